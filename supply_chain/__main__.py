"""``python -m supply_chain``: write the bill of materials, report known vulnerabilities.

Ends with 1 if a vulnerability is known, and with 0 if none is, or if that could not be found out:
a machine without a network does not fail, but its report says "NOT RUN".
"""

import sys
from pathlib import Path
from typing import Final

from encore.version import VERSION
from supply_chain.audit import audit
from supply_chain.lock_file import read_lock_file
from supply_chain.sbom import write_sbom

ROOT: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = "encore-rest"
RUNTIME: Final = ROOT / "requirements.txt"
DEVELOPMENT: Final = ROOT / "requirements-dev.txt"
SBOM: Final = ROOT / "build/sbom.cdx.json"


def main() -> int:
    """Run both; return the exit code."""
    runtime = read_lock_file(RUNTIME)
    SBOM.parent.mkdir(exist_ok=True)
    SBOM.write_text(write_sbom(PROJECT, VERSION, runtime) + "\n", encoding="utf-8")
    print(f"{SBOM.relative_to(ROOT)}: {len(runtime)} packages of {RUNTIME.name}")
    # The development set holds the runtime's packages too.
    report = audit(DEVELOPMENT, read_lock_file(DEVELOPMENT))
    for line in report.lines():
        print(f"audit: {line}")
    return 1 if report.vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
