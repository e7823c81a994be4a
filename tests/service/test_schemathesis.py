"""What the OpenAPI document says is what the service does, as schemathesis sees it.

All of its checks and all of its phases, over the running system. It must find nothing: no
undescribed status, no body that its schema does not fit, no invalid request taken and no valid one
refused, no operation open without a token. Of timesheets JSON Schema knows not all the rules (what
hours add up to, which weeks a year has, what was approved before), so there it cannot tell which
requests are valid.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.system import ROOT, System
from tests.parts.conftest import empty
from tests.service.operations import SCOPES

SEED = "1"
EXAMPLES = "20"


@dataclass(frozen=True)
class Part:
    """Some of the operations, and how far schemathesis can judge them."""

    paths: str
    phases: str
    options: tuple[str, ...] = ()


PARTS = Part("^(?!/timesheets|/approvals)", "examples,coverage,fuzzing,stateful")
TIMESHEETS = Part(
    "^(/timesheets|/approvals)",
    # Its lists have the engine's parameters: two hundred each, which the parts' few stand for.
    "examples,fuzzing,stateful",
    ("--exclude-checks=positive_data_acceptance",),
)


@pytest.mark.parametrize("part", [PARTS, TIMESHEETS], ids=["parts", "timesheets"])
def test_schemathesis_finds_nothing(system: System, tmp_path: Path, part: Part) -> None:
    empty(system.client)
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{system.url}/openapi.json",
            "--header",
            f"Authorization:Bearer {system.token(' '.join(SCOPES))}",
            f"--include-path-regex={part.paths}",
            "--checks=all",
            *part.options,
            f"--phases={part.phases}",
            f"--max-examples={EXAMPLES}",
            f"--seed={SEED}",
            "--generation-database=none",
            # JSON Schema's "string" has room for NUL, and OpenAPI no word for "any but NUL" that
            # would not stand in the way of readers; no database text can hold it.
            "--generation-allow-x00=false",
            "--continue-on-failure",
            "--no-color",
        ],
        cwd=tmp_path,
        env=system.environment
        | {
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
            "SCHEMATHESIS_HOOKS": "tests.service.formats",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "generated, 0 found" in run.stdout or "passed" in run.stdout
