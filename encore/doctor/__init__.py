"""``python -m api doctor``: what is wrong with the settings, and what to change.

Looks at the same things that the service looks at, with the same code, and says aloud what the
service must not tell a caller. Changes nothing. Never prints a token or a secret.

``command`` runs the checks in their order: ``surroundings`` (database, port, introspection),
``tables`` (how large they are, and what has no index),
``issuers`` (discovery, keys, clock), ``tokens`` (why a given token is refused); ``findings`` is
what they all give.
"""

from encore.doctor.command import examine

__all__ = ["examine"]
