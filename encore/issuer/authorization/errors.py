"""Errors of authorization requests that are sent to the client, at its redirect URI."""


class AuthorizationError(Exception):
    """An error response of RFC 6749 section 4.1.2.1.

    Args:
        code: The value of ``error``.
        description: What is wrong, in the ASCII that the RFC allows.
    """

    def __init__(self, code: str, description: str) -> None:
        self.code = code
        self.description = description
        super().__init__(description)
