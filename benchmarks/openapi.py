"""How long the OpenAPI document of many models takes to make, and how large it is.

Run: ``.venv/bin/python -m benchmarks.openapi [MODELS]``. The models are those of ``many_models``:
without relations, and each belonging to the one before it, with nested paths and embedded rows.
Times are those of the CPU. Rendering to JSON is measured apart: a service does both once.
"""

import json
import statistics
import sys
import time
from typing import Any, Final

from fastapi import FastAPI

from benchmarks.many_models import generate_models
from encore import Crud
from encore.database.factory import open_database
from encore.openapi.document import make_document

_MODELS: Final = 50
_ROUNDS: Final = 9


def main(arguments: list[str]) -> int:
    """Print the figures; return the exit status."""
    count = int(arguments[0]) if arguments else _MODELS
    print("| models | relations | operations | first, ms | median, ms | JSON, ms | KB |")
    print("|---|---|---|---|---|---|---|")
    for related in (False, True):
        print(_row(_application(count, related=related), count, related=related))
    return 0


def _application(count: int, *, related: bool) -> FastAPI:
    app = FastAPI()
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    prefix = "related" if related else "plain"
    for model in generate_models(count, related=related, prefix=prefix):
        crud.resource(model, associations=related)
    return app


def _row(app: FastAPI, count: int, *, related: bool) -> str:
    times, document = [], {}
    for _ in range(_ROUNDS):
        began = time.process_time()
        document = make_document(app)
        times.append(1_000 * (time.process_time() - began))
    began = time.process_time()
    size = len(json.dumps(document, separators=(",", ":")))
    rendering = 1_000 * (time.process_time() - began)
    values: list[Any] = [
        count,
        "yes" if related else "no",
        sum(len(item) for item in document["paths"].values()),
        f"{times[0]:.0f}",
        f"{statistics.median(times):.0f}",
        f"{rendering:.0f}",
        f"{size / 1_000:,.0f}",
    ]
    return f"| {' | '.join(map(str, values))} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
