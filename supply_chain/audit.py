"""Known vulnerabilities of a lock file, by pip-audit.

pip-audit ends well, saying "No known vulnerabilities found", if its database knows none of the
packages. Here only a package that was really looked up counts as checked; every other is "not run",
which is neither a success nor a failure.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name

from supply_chain.lock_file import LockedPackage

ACCEPTED: Final[Mapping[str, str]] = {
    # python-jose requires ecdsa, but never imports it where cryptography is installed.
    "CVE-2024-23342": "ecdsa is not used (docs/explanation/dependencies.md)",
}
"""Vulnerabilities that do not concern this project, by CVE number, with the reason."""

_SECONDS: Final = 120
_SOCKET_SECONDS: Final = "5"


@dataclass(slots=True)
class AuditReport:
    """The result of an audit.

    Attributes:
        checked: Names of the packages that were looked up.
        vulnerable: A line for each vulnerability.
        accepted: A line for each that does not concern this project.
        not_run: Names of the packages that were not looked up, and why.
    """

    checked: list[str] = field(default_factory=list)
    vulnerable: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield the report; its last line is the summary."""
        yield from (f"VULNERABLE  {line}" for line in self.vulnerable)
        yield from (f"accepted    {line}" for line in self.accepted)
        for reason in dict.fromkeys(self.not_run.values()):
            names = [name for name, why in self.not_run.items() if why == reason]
            yield f"not run     {reason}: {', '.join(names)}"
        yield "; ".join(self._summary())

    def _summary(self) -> Iterator[str]:
        total = len(self.checked) + len(self.not_run)
        if self.checked:
            found = f"{len(self.vulnerable)} known vulnerabilities in them"
            yield f"{len(self.checked)} of {total} packages checked, {found}"
        if self.not_run:
            yield f"NOT RUN for {len(self.not_run)} of {total} packages"


def audit(
    lock_file: Path, packages: Sequence[LockedPackage], options: Sequence[str] = ()
) -> AuditReport:
    """Look up the packages of a lock file.

    Args:
        lock_file: The lock file.
        packages: Its packages.
        options: More options of pip-audit, such as those of another database.
    """
    output = _run_pip_audit(lock_file, options)
    if isinstance(output, str):
        return AuditReport(not_run=dict.fromkeys((p.name for p in packages), output))
    return judge(packages, output)


def judge(packages: Sequence[LockedPackage], output: Mapping[str, Any]) -> AuditReport:
    """Return the report for pip-audit's JSON."""
    report = AuditReport()
    found = {canonicalize_name(entry["name"]): entry for entry in output["dependencies"]}
    for package in packages:
        entry = found.get(canonicalize_name(package.name), {})
        if "vulns" not in entry or entry.get("version") != package.version:
            skipped = "skip_reason" in entry
            reason = "the database does not know it" if skipped else "pip-audit left it out"
            report.not_run[package.name] = reason
            continue
        report.checked.append(package.name)
        for vulnerability in entry["vulns"]:
            _add_vulnerability(report, package, vulnerability)
    return report


def _add_vulnerability(
    report: AuditReport, package: LockedPackage, vulnerability: Mapping[str, Any]
) -> None:
    names = (vulnerability["id"], *vulnerability.get("aliases", ()))
    fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version"
    line = f"{package.name} {package.version}: {' '.join(names)}, fixed in {fixed}"
    accepted = next((ACCEPTED[name] for name in names if name in ACCEPTED), None)
    if accepted is None:
        report.vulnerable.append(line)
    else:
        report.accepted.append(f"{line}: {accepted}")


def _run_pip_audit(lock_file: Path, options: Sequence[str]) -> Mapping[str, Any] | str:
    """Return pip-audit's JSON; why there is none, if it could not run."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock_file)]
    command += ["--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
    command += [f"--timeout={_SOCKET_SECONDS}", *options]
    try:
        completed = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        output: Mapping[str, Any] = json.loads(completed.stdout)
    except subprocess.TimeoutExpired:
        return f"the database did not answer within {_SECONDS} s"
    except ValueError:
        return "the database could not be reached"
    return output
