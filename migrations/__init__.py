"""The schema's history. Alembic owns the schema: nothing else creates or changes a table."""
