"""PostgreSQL on asyncpg: a connection pool that keeps prepared statements."""

from encore.database.postgresql.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
