"""The command line: asks both sides, prints where they differ.

Exit status: 0 all differences are expected ones and all expected ones occur, 1 not so, or
something failed, 2 usage, 130 Ctrl-C.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import npm
from benchmarks.compare import sides
from benchmarks.compare.answers import differences
from benchmarks.compare.cases import CASES
from benchmarks.compare.cases.case import Case
from benchmarks.compare.expected import EXPECTED, EXPECTED_IF_COMPATIBLE
from benchmarks.compare.verdict import Found, Verdict, judge
from benchmarks.errors import BenchmarkError
from benchmarks.exchange import Answer
from benchmarks.processes import ended_by_signals
from benchmarks.stacks import ROOT

_INTERRUPTED: Final = 130
_SHOWN: Final = 1_500
_DOCUMENT: Final = ROOT / "docs/how-to/finale.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="cases whose name holds it")
    parser.add_argument(
        "--compatible", choices=["finale"], default="", help='ours with compatible="finale"'
    )
    parser.add_argument("--show", action="store_true", help="print both answers of each case")
    given = parser.parse_args(argv)
    chosen = [case for case in CASES if given.only in case.name]
    try:
        with ended_by_signals():
            found = compare(chosen, given.compatible, show=given.show)
    except BenchmarkError as problem:
        print(f"compare: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("compare: interrupted", file=sys.stderr)
        return _INTERRUPTED
    expected = EXPECTED_IF_COMPATIBLE if given.compatible else EXPECTED
    verdict = judge(found, expected, _DOCUMENT, whole=not given.only)
    _print(verdict, found)
    return 1 if verdict.faults else 0


def compare(cases: Sequence[Case], compatible: str = "", *, show: bool = False) -> Found:
    """Ask both sides; give what differs.

    Args:
        cases: What to ask.
        compatible: The option of this name for our side; empty for none.
        show: Whether to print the answers.

    Raises:
        BenchmarkError: Node is missing, or a side does not start or breaks off.
    """
    names = [case.name for case in cases]
    if len(names) != len(set(names)):
        raise BenchmarkError("two cases have one name")
    node = npm.find_node()
    if node is None:
        raise BenchmarkError("node and npm are needed for finale-rest")
    npm.install()
    cores = sorted(os.sched_getaffinity(0))
    found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        theirs = stack.enter_context(sides.finale(node, folder, cores[0]))
        ours = stack.enter_context(sides.ours(folder, cores[-1], compatible))
        for case in cases:
            answers = [_ask(side, case) for side in (theirs, ours)]
            found[case.name] = differences(case, *answers)
            if show:
                _show(case, *answers)
    return found


def _ask(side: sides.Side, case: Case) -> list[Answer]:
    try:
        side.restore()
        return [side.ask(request) for request in case.requests]
    except OSError as error:
        raise BenchmarkError(f"{case.name}: {side.name} broke off: {error}") from error


def _show(case: Case, theirs: Sequence[Answer], ours: Sequence[Answer]) -> None:
    print(f"== {case.name}")
    for request, *answers in zip(case.requests, theirs, ours, strict=True):
        body = b"" if request.body is None else request.body[:_SHOWN]
        print(f"   {request.method} {request.path} {body.decode(errors='replace')}")
        for side, answer in zip(("finale", "ours  "), answers, strict=True):
            headers = {name: answer.headers.get(name) for name in ("content-range", "location")}
            kept = " ".join(f"{name}={value}" for name, value in headers.items() if value)
            text = answer.body[:_SHOWN].decode(errors="replace")
            print(f"   {side} {answer.status} {kept} {text}")


def _print(verdict: Verdict, found: Found) -> None:
    for one, cases in verdict.explained:
        for name in cases:
            print(f"{name:<30} {', '.join(found[name]):<40} {one.name}")
    same = sum(1 for differing in found.values() if not differing)
    print(f"\n{len(found)} cases: {same} the same, {len(found) - same} differ")
    for fault in verdict.faults:
        print(f"NOT AS LISTED  {fault}")
