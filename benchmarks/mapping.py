"""`python -m benchmarks.mapping`: CPU of mapping the rows of an import, without network.

The same rows of CSV in two exports: one in the notations that a plain mapping of columns reads,
imported by the client of a baseline commit, from before the mapping language; and one that needs a
template, a value map, a duration and a condition, imported by the client of today. Both read, map
and encode all rows. Processes take turns, and the ratio of their medians is what counts.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.timesheets.entries import Entry, entries

BASELINE: Final = "22072f3"
"""The last commit before the mapping language."""
GOAL: Final = 1.5
_ROOT: Final = Path(__file__).resolve().parent.parent
_WORKER: Final = Path(__file__).with_name("mapping_worker.py")

_PLAIN: Final = """
source = "tempus"
external_id = "ID"
[fields]
user_id = "Person"
user_type = "Type"
date = "Start"
project = "Project"
hours = "Hours"
"""
_WITHOUT_IDS: Final = _PLAIN.replace('external_id = "ID"\n', "")
_LANGUAGE: Final = """
source = "tempus"
external_id = "ID"
[fields]
user_id = "{First Name} {Last Name}"
user_type = "Contract"
date = "Start"
project = "Project"
hours = "Duration"
[values.user_type]
internal = "Employee"
external = "Contractor"
[skip]
Status = ["deleted", "draft*"]
"""


class Variant(NamedTuple):
    """What is measured.

    Args:
        title: For the report.
        client: The directory of the package ``client``.
        mapping: A mapping file's content.
        csv: The name of the export.
    """

    title: str
    client: Path
    mapping: str
    csv: str


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--baseline", default=BASELINE, metavar="COMMIT")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-mapping-") as name:
        folder = Path(name)
        _extract_client(options.baseline, folder)
        _write_exports(folder, islice(entries(), options.rows))
        variants = (
            Variant(f"columns, {options.baseline}", folder, _PLAIN, "plain.csv"),
            Variant("columns", _ROOT, _PLAIN, "plain.csv"),
            Variant(f"without ids, {options.baseline}", folder, _WITHOUT_IDS, "plain.csv"),
            Variant("without ids", _ROOT, _WITHOUT_IDS, "plain.csv"),
            Variant("template, value map, duration, skip", _ROOT, _LANGUAGE, "language.csv"),
        )
        _print_report(variants, _measure(variants, folder, options.rounds), options.rows)
    return 0


def _extract_client(commit: str, folder: Path) -> None:
    archive = subprocess.run(
        ["git", "-C", str(_ROOT), "archive", commit, "client"], check=False, capture_output=True
    )
    if archive.returncode:
        raise BenchmarkError(f"git has no client of {commit}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)


def _write_exports(folder: Path, rows: Iterable[Entry]) -> None:
    with (folder / "plain.csv").open("w") as plain, (folder / "language.csv").open("w") as language:
        plain_writer, language_writer = csv.writer(plain), csv.writer(language)
        plain_writer.writerow(["ID", "Person", "Type", "Start", "Project", "Hours", "Remark"])
        language_writer.writerow(
            ["ID", "First Name", "Last Name", "Contract", "Start", "Project", "Duration", "Status"]
        )
        for row in rows:
            minutes = round(float(row.hours) * 60)
            plain_writer.writerow(
                [row.external_id, row.user_id, row.user_type, row.date, row.project, row.hours, ""]
            )
            contract = "internal" if row.user_type == "Employee" else "external"
            duration = f"{minutes // 60:02}:{minutes % 60:02}:00"
            person = ("Person", row.user_id)
            language_writer.writerow(
                [row.external_id, *person, contract, row.date, row.project, duration, "approved"]
            )


def _measure(variants: Sequence[Variant], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each variant, one value a round."""
    seconds: dict[str, list[float]] = {variant.title: [] for variant in variants}
    for _ in range(rounds):
        for variant in variants:
            seconds[variant.title].append(_run_worker(variant, folder))
    return seconds


def _run_worker(variant: Variant, folder: Path) -> float:
    mapping = folder / "mapping.toml"
    mapping.write_text(variant.mapping)
    done = subprocess.run(
        [
            sys.executable,
            str(_WORKER),
            str(variant.client),
            str(mapping),
            str(folder / variant.csv),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchmarkError(f"{variant.title}: {done.stderr.strip()[-400:]}")
    result: dict[str, float] = json.loads(done.stdout)
    if result["rejected"]:
        raise BenchmarkError(f"{variant.title}: {result['rejected']:.0f} rows were rejected")
    return result["seconds"]


def _print_report(variants: Sequence[Variant], seconds: dict[str, list[float]], rows: int) -> None:
    base = statistics.median(seconds[variants[0].title])
    print("| mapping | CPU microseconds a row (median, minimum) | times the first | to reach |")
    print("| --- | ---: | ---: | ---: |")
    for variant in variants:
        values = seconds[variant.title]
        median = statistics.median(values)
        cost = f"{median / rows * 1e6:.2f}, {min(values) / rows * 1e6:.2f}"
        goal = f"{GOAL:g}" if variant is variants[-1] else ""
        print(f"| {variant.title} | {cost} | {median / base:.2f} | {goal} |")


if __name__ == "__main__":
    run_command(main)
