"""The settings of a service: one field each, under its name in lower case.

The fields are in ``http_settings``, ``database_settings`` and ``token_settings``; this module reads
and validates them together.

A service with settings of its own makes a subclass and passes it to ``Service(settings=...)``::

    class ShopSettings(Settings):
        currency: str = "EUR"          # the environment variable CURRENCY

CLIENT_ID and CLIENT_SECRET belong to the client and to the development issuer.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ConfigDict, ValidationError

from encore.errors import SettingsError
from encore.settings.database_settings import DatabaseSettings
from encore.settings.declarations import decode_structure, problems_of
from encore.settings.http_settings import HTTPSettings, http_contradictions
from encore.settings.layers import committed_names, is_production, read_layers
from encore.settings.messages import messages_of
from encore.settings.misspelt import misspelt_names
from encore.settings.production import (
    committed_issuers,
    database_problems,
    http_issuers,
)
from encore.settings.token_settings import (
    TokenSettings,
    missing_token_settings,
    token_contradictions,
)


class Settings(HTTPSettings, DatabaseSettings, TokenSettings):
    """What operators decide, read once at start-up from the environment and from files.

    Its fields are those of the groups that it is made of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Check the fields of a subclass. Raises ``SettingsError``."""
        problems = [f"{cls.__name__}: {problem}" for problem in problems_of(cls)]
        if problems:
            raise SettingsError(*problems)

    def __init__(self, **values: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems += messages_of(error, self.names())
        else:
            problems += _contradictions(self)
        problems += missing_token_settings(values)
        if problems:
            raise SettingsError(*dict.fromkeys(problems))

    @classmethod
    def load(cls, directory: Path | None = None, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of a directory and of the environment.

        Raises:
            SettingsError: One line for each setting that is missing, invalid or misspelt.
        """
        raw = read_layers(directory, environ)
        problems = list(misspelt_names(raw, cls.names()))
        if is_production(raw):
            problems += committed_issuers(raw, committed_names(directory, environ))
        try:
            settings = cls.parse(raw)
        except SettingsError as error:
            reported = tuple(_name(problem) for problem in problems)
            others = (problem for problem in error.problems if _name(problem) not in reported)
            raise SettingsError(*problems, *others) from None
        if problems:
            raise SettingsError(*problems)
        return settings

    @classmethod
    def parse(cls, raw: Mapping[str, str]) -> Self:
        """Validate settings by their names in upper case; other names are ignored.

        Raises:
            SettingsError: One line for each setting that is missing or invalid.
        """
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if (text := raw.get(name.upper())) is not None:
                own = name not in Settings.model_fields
                values[name] = decode_structure(field, text) if own else text
        return cls(**values)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings, as environment variables."""
        return tuple(name.upper() for name in cls.model_fields)


def _name(problem: str) -> str:
    return problem.partition(":")[0]


def _contradictions(settings: Settings) -> Iterator[str]:
    yield from token_contradictions(settings)
    yield from http_contradictions(settings)
    if settings.is_production:
        yield from http_issuers(settings)
    yield from database_problems(settings, is_production=settings.is_production)
