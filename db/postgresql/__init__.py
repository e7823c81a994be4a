"""PostgreSQL on asyncpg: a pool of connections that keep their prepared statements."""

from db.postgresql.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
