"""Reads, maps and encodes the rows of a CSV file; prints the CPU seconds and the rejected rows.

A script, run by ``benchmarks.mapping`` with the client of this or of an earlier commit::

    python benchmarks/mapping_worker.py DIRECTORY MAPPING CSV
"""

import json
import sys
import time
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any


def import_client(*names: str) -> Any:
    """Return the first module of a name that exists: rooms were given to modules later."""
    for name in names[:-1]:
        try:
            return import_module(f"client.importing.{name}")
        except ModuleNotFoundError:
            continue
    return import_module(f"client.importing.{names[-1]}")


def main() -> None:
    """Measure and print."""
    directory, mapping_path, path = map(Path, sys.argv[1:])
    sys.path.insert(0, str(directory))
    records = import_client("reading.records", "records")
    processing = import_client("rows.row_results", "row_results")
    mapping = import_client("mapping.loading", "mapping").load_mapping(mapping_path)
    with path.open(newline="", encoding="utf-8") as stream:
        started = time.process_time()
        is_earlier = "delimiter" in signature(records.read_records).parameters
        opened = records.read_records(stream, "csv", mapping.delimiter if is_earlier else mapping)
        columns = () if is_earlier else (opened.columns,)
        processor = processing.RowProcessor(mapping, "tempus", None, *columns)
        rejected = sum(bool(processor.process(record).reason) for record in opened.rows)
        seconds = time.process_time() - started
    print(json.dumps({"seconds": seconds, "rejected": rejected}))


if __name__ == "__main__":
    main()
