"""Where the client's settings come from: environment, ``.env.local``, ``.okta.env``, ``.env``.

The earlier wins. Okta's command line writes ``.okta.env``; its three names are understood in
every layer, and in one layer our own name goes before Okta's. The files are those of the current
directory, read by python-dotenv without expansion, so that a secret with a ``$`` in it stays
itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from client.address import check_url
from client.errors import ConfigurationError

FILES = (".env", ".okta.env", ".env.local")
"""The later wins; the process environment wins over both."""

NAMES = ("ISSUER", "AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
_OKTA_NAMES = {
    "OKTA_OAUTH2_ISSUER": "ISSUER",
    "OKTA_OAUTH2_CLIENT_ID": "CLIENT_ID",
    "OKTA_OAUTH2_CLIENT_SECRET": "CLIENT_SECRET",
}
_REQUIRED = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """What is needed to get a token.

    Args:
        issuer: Okta's shape, or with a final slash Auth0's.
        client_id: Who we are.
        client_secret: Proves it; never printed.
        scope: Scopes to ask for, divided by blanks; empty asks for none.
        audience: Named in Auth0's shape only; Okta's issuer has its own.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""


def load_settings(environment: Mapping[str, str], directory: str) -> ClientSettings:
    """Read the settings.

    Args:
        environment: The process environment.
        directory: Where the files are, if there are any.

    Raises:
        ConfigurationError: One is missing or malformed, or a file cannot be read.
    """
    return client_settings(read_values(environment, directory))


def read_values(
    environment: Mapping[str, str], directory: str, names: Collection[str] = NAMES
) -> dict[str, str]:
    """Read settings of these names, each from the layer that wins, and judge none of them.

    Args:
        environment: The process environment.
        directory: Where the files are, if there are any.
        names: Which to read.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    values: dict[str, str] = {}
    for name in FILES:
        values |= _known(_read(Path(directory, name)), names)
    return values | _known(environment, names)


def client_settings(values: Mapping[str, str]) -> ClientSettings:
    """Judge what ``read_values`` has read.

    Raises:
        ConfigurationError: One is missing or malformed.
    """
    for name in _REQUIRED:
        if not values.get(name):
            raise ConfigurationError(
                f"{name} is not set: put a line {name}=... into .env.local, or set it in the"
                " environment. (make run writes one for the development issuer.)"
            )
    check_url(values["ISSUER"], "ISSUER", ConfigurationError)
    return ClientSettings(
        issuer=values["ISSUER"],
        client_id=values["CLIENT_ID"],
        client_secret=values["CLIENT_SECRET"],
        scope=values.get("SCOPE", ""),
        audience=values.get("AUDIENCE", ""),
    )


def _known(layer: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Pick settings out of a layer, under whichever name they stand."""
    given = {name: layer[okta] for okta, name in _OKTA_NAMES.items() if layer.get(okta)}
    return {**given, **{name: layer[name] for name in names if name in layer}}


def _read(path: Path) -> Mapping[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - 45 ms that wrong arguments need not pay.

    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{path.name} cannot be read: {reason}.") from error
    return {name: value for name, value in found.items() if value is not None}
