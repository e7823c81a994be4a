"""A whole service: the application, its database, token gate, documentation and health."""
