"""``python -m encore doctor``: checks of a service's settings and environment, and of a token.

Checks what the service itself uses, with the same code, and reports details that the service must
not send to a caller. Changes nothing. Never prints a token or a secret.

``command`` runs the checks in their order: ``environment`` (database, port, introspection),
``tables`` (sizes, missing indexes), ``issuers`` (discovery, keys, clock) and ``verdict`` (a token:
``tokens`` explains why a JWT is rejected by the texts of ``reasons``, ``access`` what its scopes
allow). Each check returns a ``CheckResult``.
"""

from encore.doctor.command import run_checks

__all__ = ["run_checks"]
