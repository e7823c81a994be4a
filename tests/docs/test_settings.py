"""docs/reference/settings.md lists every setting with its default, and nothing that is not one."""

import re
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from api.settings import ApiSettings
from client.importing.settings import DEFAULT_URL, IMPORT_NAMES
from client.requesting.urls import API_URL
from tests.fixtures.pages import code_blocks, pages
from tests.fixtures.system import ROOT

OF_THE_CLIENT = {"CLIENT_ID", "CLIENT_SECRET", "DEVELOPMENT_USERS_FILE", API_URL, *IMPORT_NAMES}
SOURCES = ("encore", "api", "client")
PAGE = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
ASSIGNMENTS = re.compile(r"([A-Z_]+=.*\n)+")
ROW = re.compile(r"\|\s*`([A-Z][A-Z0-9_]*)`\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|")


def documented() -> dict[str, tuple[str, str]]:
    """Return default and meaning of each setting in the page's table."""
    rows = [ROW.fullmatch(line.strip()) for line in PAGE.splitlines()]
    return {row[1]: (row[2], row[3]) for row in rows if row}


def env_blocks(page: Path) -> list[dict[str, str]]:
    """Return the settings of a page's blocks that hold nothing else."""
    texts = [text for _, text in code_blocks(page, "sh") if ASSIGNMENTS.fullmatch(text)]
    return [{k: v or "" for k, v in dotenv_values(stream=StringIO(t)).items()} for t in texts]


ENV_PAGES = [page for page in pages() if env_blocks(page)]


def in_code() -> set[str]:
    """Return the names of all settings of the service and of the client."""
    return {*ApiSettings.names(), *OF_THE_CLIENT}


def test_every_setting_is_documented() -> None:
    assert in_code() <= set(documented())


def test_every_documented_setting_is_in_the_code() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for top in SOURCES for path in (ROOT / top).rglob("*.py")
    )
    known = in_code() | set(re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", source))
    assert set(documented()) <= known


def test_every_setting_has_a_meaning_and_one_row() -> None:
    for name, (_, meaning) in documented().items():
        assert len(meaning) > 5, name
        assert len(re.findall(rf"^\| `{name}` \|", PAGE, re.MULTILINE)) == 1, name


@pytest.mark.parametrize("name", sorted(in_code() - OF_THE_CLIENT - {"ISSUER"}))
def test_documented_default_is_the_default_in_the_code(name: str) -> None:
    shown = documented()[name][0].strip("`")
    default = getattr(ApiSettings.parse({"ISSUER": "https://issuer.example/"}), name.lower())
    if isinstance(default, str | int | float | Decimal) and not isinstance(default, bool):
        assert shown == str(default)
    elif default is True:
        assert shown == "true"
    elif not default:
        assert shown == ""
    else:
        assert shown == ",".join(map(str, default)).replace(",", " ") or shown in str(default)


def test_documented_import_url_is_the_default_in_the_code() -> None:
    assert documented()["IMPORT_URL"][0].strip("`") == DEFAULT_URL


@pytest.mark.parametrize("page", ENV_PAGES, ids=lambda page: page.stem)
def test_settings_of_the_guide_are_valid(page: Path) -> None:
    for values in env_blocks(page):
        assert set(values) <= set(documented()), page
        ApiSettings.parse({"ISSUER": "https://issuer.example/"} | values)


def test_committed_env_file_holds_known_settings_and_no_secret() -> None:
    names = set(dotenv_values(ROOT / ".env"))
    assert names <= in_code()
    assert not {name for name in names if "SECRET" in name or "PASSWORD" in name}
