"""Errors, by who has to act on them.

``api``: what a caller of the service can meet, each with its status and ``type``.
``configuration``: mistakes in how resources are declared. ``hooks``: mistakes in the code of hooks.
``startup``: other reasons not to start. What a database refuses is an error of
``encore.database.errors`` until it becomes one of ``api``.
"""
