"""Errors, by who has to act on them.

``api`` has what a caller of the service can meet, each with its status and ``type``; ``hooks`` the
mistakes in the code of hooks; ``startup`` the reasons not to start. What a database refuses is in
``encore.database.errors`` until it becomes one of the first.
"""
