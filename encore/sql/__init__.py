"""SQL statements: built by SQLAlchemy and compiled once for each key, then kept."""
