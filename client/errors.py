"""Errors of the command line, besides those of its library (``encore.client.errors``).

The tree::

    ClientError
    ├── StateError                  what is kept between runs cannot be read or written
    ├── SourceError                 the source of an import cannot be read
    │   └── SourceUnavailableError  but may be readable soon
    ├── LockedError                 the same import is running
    └── OutputError                 the response cannot be written
        └── OutputClosedError       because the reader of the pipe is gone

Their exit codes are in ``client.exit_codes``.
"""

from encore.client.errors import ClientError


class StateError(ClientError):
    """The state that an import keeps between runs cannot be read or written."""


class SourceError(ClientError):
    """The source of an import cannot be read, or not to its end."""


class SourceUnavailableError(SourceError):
    """The source cannot be read now, but a retry may succeed."""


class LockedError(ClientError):
    """Another run of the same import is in progress."""


class OutputError(ClientError):
    """The response was received, but cannot be written."""


class OutputClosedError(OutputError):
    """The reader of the output has closed it."""
