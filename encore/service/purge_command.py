"""The command ``purge``: its options, and its report on standard output."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from encore.service.purge import DEFAULT_AGE, describe, parse_age, purge
from encore.service.target import Target

_OLDER_THAN: Final = "--older-than"
_RESOURCE: Final = "--resource"
_DRY_RUN: Final = "--dry-run"


@dataclass(frozen=True, slots=True)
class PurgeOptions:
    """The options of ``purge``.

    Attributes:
        age: How long ago rows were deleted that are deleted for good.
        resource: The resource; None for all.
        dry_run: Whether rows are counted only.
    """

    age: timedelta = DEFAULT_AGE
    resource: str | None = None
    dry_run: bool = False


def parse_options(arguments: Sequence[str]) -> PurgeOptions:
    """Parse the options, ``--resource parts`` or ``--resource=parts``.

    Raises:
        ValueError: An option is unknown, repeated, or has no value or an invalid one.
    """
    options: dict[str, str] = {}
    rest = [part for text in arguments for part in _split(text)]
    while rest:
        name = rest.pop(0)
        if name not in (_OLDER_THAN, _RESOURCE, _DRY_RUN):
            raise ValueError(f"{name!r} is not an option of purge")
        if name in options:
            raise ValueError(f"{name} is given twice")
        if name != _DRY_RUN and not rest:
            raise ValueError(f"{name} needs a value")
        options[name] = "" if name == _DRY_RUN else rest.pop(0)
    age = options.get(_OLDER_THAN)
    return PurgeOptions(
        age=DEFAULT_AGE if age is None else parse_age(age),
        resource=options.get(_RESOURCE),
        dry_run=_DRY_RUN in options,
    )


def run_purge(target: str, options: PurgeOptions) -> None:
    """Delete old soft-deleted rows of a service, and print how many.

    Raises:
        StartupError: The service cannot be loaded, it has no such resource, or the database fails.
    """
    service = Target(target).load()
    service.schema().check(wait_seconds=service.settings.database_wait_seconds)
    for purged in purge(service, options.age, options.resource, dry_run=options.dry_run):
        print(describe(purged, dry_run=options.dry_run))  # noqa: T201 - the report


def _split(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith("--") else [argument]
