"""Mistakes of a service's author, found at start-up: in options of resources and in routes."""

from typing import Any


class ConfigurationError(Exception):
    """An invalid option of a resource; the message names the resource and the option.

    Args:
        resource: The resource's name.
        option: The option's name.
        message: What is wrong with its value.
    """

    def __init__(self, resource: str, option: str, message: Any) -> None:
        super().__init__(f"resource {resource}: option {option}: {message}")


class InvalidOption(LookupError):
    """An option names something that the model does not have; the message lists what it has."""


class RouteError(Exception):
    """A route that the application cannot serve; start-up fails."""


class UndeclaredAccess(RouteError):
    """A route that is neither public nor declares its scopes."""


class UnsupportedRoute(RouteError):
    """A route of a type that the application does not support."""


class MissingAuthentication(RouteError):
    """A route requires a token, but no middleware of the application verifies one."""
