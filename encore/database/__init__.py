"""Databases: running the statements that SQLAlchemy describes, on SQLite and on PostgreSQL.

``statement`` compiles a SQLAlchemy statement once; ``sqlite`` and ``postgresql`` run it on the
driver and implement the ``protocol``. ``factory`` opens the database of a URL. The differences
between the databases are ``capabilities``, and ``expressions`` for SQL. ``tables`` are the tables
that the library itself needs. Nothing here knows HTTP.
"""
