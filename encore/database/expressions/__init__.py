"""SQL that SQLite and PostgreSQL write differently, one module for each subject.

Constructs that are compiled per dialect need no dialect to be built; the other functions take one.
Which of them a database supports is in ``encore.database.capabilities``.
"""
