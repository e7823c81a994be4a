"""A whole service: the application, its database, token gate, documentation and health.

``service`` is the public class; ``authentication`` makes the token gate of the settings, ``docs``
and ``health`` are routes that every service has, ``tables`` compares a database with the models.
"""

from encore.service.service import Service

__all__ = ["Service"]
