"""Databases: what runs the statements that SQLAlchemy describes, on SQLite and on PostgreSQL.

``statement`` compiles a SQLAlchemy statement once; ``sqlite`` or ``postgresql`` runs it on the
driver, behind the ``protocol``. ``factory`` opens the database of a URL. Nothing here knows HTTP.
"""
