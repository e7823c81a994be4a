"""Exit codes, for scripts that must tell one failure from another."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What ``python -m client`` ends with, whichever command it ran. 2 is left to shells."""

    OK = 0
    """The API answered with success."""
    USAGE = 1
    """The arguments are wrong, and nothing was sent; the Okta sample exits 1 too."""
    REJECTED = 3
    """An import ended, and some of its rows were rejected."""
    INSECURE = 4
    """A secret or token would have travelled in clear; it was not sent."""
    NETWORK = 5
    """The issuer or the API could not be reached, or the exchange broke off."""
    ISSUER_REFUSED = 6
    """The issuer gave no token."""
    API_REFUSED = 7
    """The API answered 4xx."""
    API_FAILED = 8
    """The API answered 5xx."""
    UNEXPECTED_ANSWER = 9
    """A redirect, or an answer that is not JSON."""
    OUTPUT = 10
    """The answer came, or rows were imported, but that could not be written out."""
    CONFIGURATION = 11
    """A setting or a mapping file is missing or malformed; nothing was sent."""
    SOURCE = 12
    """What is to be imported cannot be read, or not to its end."""
    LOCKED = 13
    """Another run of the same import is under way."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and SIGINT, as shells have it."""
    PIPE_CLOSED = 141
    """Nobody reads the output any more: 128 and SIGPIPE, as shells have it."""
