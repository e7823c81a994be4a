"""Errors that keep the issuer from starting, each one line for the person who starts it."""

from encore.errors import StartupError


class IssuerSettingsError(StartupError):
    """A development issuer must not run with these settings."""


class PortInUse(StartupError):
    """Another process listens on the issuer's address and port."""
