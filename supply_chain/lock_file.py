"""The packages of a lock file that ``uv pip compile --generate-hashes`` has written."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HASH: Final = re.compile(r"--hash=(\w+):([0-9a-f]+)")
_PROJECT: Final = re.compile(r"(\S+) \(pyproject\.toml(:\w+)?\)")
"""How uv names the project itself among those that need a package."""


@dataclass(slots=True)
class LockedPackage:
    """A package at the one version that is installed.

    Attributes:
        name: Its normalized name.
        version: Its version.
        hashes: Pairs of an algorithm and a digest, of each of its files.
        is_direct: Whether the project itself needs it.
        needed_by: The names of the packages that need it.
    """

    name: str
    version: str
    hashes: list[tuple[str, str]] = field(default_factory=list)
    is_direct: bool = False
    needed_by: set[str] = field(default_factory=set)


def read_lock_file(path: Path) -> list[LockedPackage]:
    """Return the packages of a lock file, in its order.

    Raises:
        ValueError: A line is not one that uv writes, or a package has no version or hash.
    """
    packages: list[LockedPackage] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line[0].isspace() and line[0] != "#":
            packages.append(_parse_package(line))
        elif not packages and line.strip():
            raise ValueError(f"{path.name}:{number}: is not below a package")
        elif (found := _HASH.search(line)) is not None:
            packages[-1].hashes.append((found[1], found[2]))
        else:
            _add_origin(packages[-1], line)
    for package in packages:
        if not package.hashes:
            raise ValueError(f"{path.name}: {package.name} has no hash")
    return packages


def _parse_package(line: str) -> LockedPackage:
    requirement = Requirement(line.rstrip("\\ "))
    (specifier,) = requirement.specifier
    if specifier.operator != "==":
        raise ValueError(f"{requirement.name} is not locked to one version")
    return LockedPackage(canonicalize_name(requirement.name), specifier.version)


def _add_origin(package: LockedPackage, line: str) -> None:
    """Add what a comment such as ``# via httpx`` names; a lock file (``-c ...``) is not."""
    origin = line.strip().removeprefix("#").strip().removeprefix("via").strip()
    if _PROJECT.fullmatch(origin):
        package.is_direct = True
    elif origin and not origin.startswith("-"):
        package.needed_by.add(canonicalize_name(origin))
