"""The request headers of a source: ``[headers]`` of the mapping, with values from the environment.

Their values are sent to the source and appear nowhere else: in no message, checkpoint or log.
"""

from collections.abc import Mapping
from typing import Final

from client.importing.mapping.source_keys import (
    VARIABLE,
    validate_header_value,
    validate_headers,
)
from client.settings import read_settings
from encore.client.errors import ConfigurationError

_PUBLIC: Final = frozenset({"accept", "accept-language", "content-type", "prefer", "user-agent"})
"""Headers whose literal values are not secrets."""


def header_variables(headers: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the environment variables in the values of headers."""
    return frozenset(
        variable
        for value in headers.values()
        for _, variable in VARIABLE.findall(value)
        if variable
    )


def read_header_variables(
    headers: Mapping[str, str], variables: Mapping[str, str], directory: str
) -> dict[str, str]:
    """Return the environment variables that headers name, from the same places as settings.

    Args:
        headers: Of the mapping.
        variables: The process's environment variables.
        directory: Where ``.env.local`` and ``.env`` are, if there are any.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    names = header_variables(headers)
    if not names:
        return {}
    values = read_settings(variables, directory, names)
    return {name: values[name] for name in names if name in values}


def resolve_headers(headers: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with their variables' values.

    Args:
        headers: Of the mapping.
        variables: Values by the name of the variable.

    Raises:
        ConfigurationError: A header is invalid, or a variable is not set or cannot be sent.
    """
    try:
        validate_headers(headers)
    except ValueError as error:
        raise ConfigurationError(f"{error}.") from error
    resolved = {}
    for name, value in headers.items():
        for variable in header_variables({name: value}):
            if not variables.get(variable):
                raise ConfigurationError(
                    f"{variable} is not set, which [headers] {name} of the mapping contains: put a"
                    f" line {variable}=... into .env.local, or set it in the environment."
                )
        resolved[name] = VARIABLE.sub(lambda found: "$" if found[1] else variables[found[2]], value)
        try:
            validate_header_value(name, resolved[name])
        except ValueError as error:
            raise ConfigurationError(f"{error} after its variables are replaced.") from error
    return resolved


def has_secrets(headers: Mapping[str, str]) -> bool:
    """Return whether headers of a mapping, before their variables are replaced, have secrets.

    A value from the environment is one, and a literal value unless its header is known to be
    public.
    """
    return bool(header_variables(headers)) or any(name.lower() not in _PUBLIC for name in headers)
