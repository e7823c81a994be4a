"""SQL statements, built by SQLAlchemy, compiled once for each statement key and cached."""
