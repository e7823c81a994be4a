"""The document passes redocly's recommended rules and spectral's for OpenAPI, without warnings.

Rules that are switched off stand with their reasons in ``redocly.yaml`` and ``spectral.yaml``.
"""

from pathlib import Path

import pytest

from tests.generators.tools import FOLDER, run_npm_tool

pytestmark = pytest.mark.processes


def test_redocly_finds_no_errors_and_no_warnings(document: Path) -> None:
    config = ("--config", str(FOLDER / "redocly.yaml"))
    output = run_npm_tool("redocly", "lint", str(document), *config, cwd=document.parent)
    assert "Your API description is valid" in output, output
    assert "warning" not in output.lower().replace("deprecation warning", ""), output


def test_spectral_finds_no_errors_and_no_warnings(document: Path) -> None:
    ruleset = ("--ruleset", str(FOLDER / "spectral.yaml"), "--fail-severity", "hint")
    run_npm_tool("spectral", "lint", str(document), *ruleset, cwd=document.parent)
