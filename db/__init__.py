"""The database layer: models, column types, and the two engines that run statements.

SQLAlchemy describes every table and builds every statement; ``statement`` compiles one once, and
``sqlite`` or ``postgresql`` runs it on the driver. Nothing here knows HTTP.
"""
