"""Reading a mapped class: what SQLAlchemy's mapper says about columns, inheritance and keys."""
