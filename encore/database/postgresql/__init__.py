"""PostgreSQL on asyncpg: a pool of connections that keep their prepared statements."""

from encore.database.postgresql.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
