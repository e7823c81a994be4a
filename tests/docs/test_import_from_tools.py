"""docs/how-to/import-from-tools.md describes each shipped mapping."""

import re
import shlex
from typing import Final

from client.importing.arguments import build_parser
from client.importing.mapping.loading import load_mapping
from client.importing.mapping.shipped import shipped_mappings
from tests.fixtures.pages import DOCS

PAGE: Final = (DOCS / "how-to/import-from-tools.md").read_text(encoding="utf-8")
COMMANDS: Final = re.findall(r"^python -m client import (.*)$", PAGE, re.MULTILINE)


def test_page_has_a_section_for_each_shipped_mapping() -> None:
    names = re.findall(r"^## .+ \(`(\w+)`\)$", PAGE, re.MULTILINE)
    assert sorted(names) == list(shipped_mappings())


def test_commands_of_the_page_are_valid() -> None:
    parser = build_parser()
    parsed = [parser.parse_intermixed_args(shlex.split(command)) for command in COMMANDS]
    mappings = [load_mapping(p.mapping, p.overrides or ()) for p in parsed if p.mapping]
    assert len(COMMANDS) == 6
    assert len(mappings) == 5
