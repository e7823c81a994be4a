"""Before anything is timed: do all stacks answer the same, and what the data set says?

A server that answers less than the others would win; so each is asked every kind of
question that the load asks, and its answers are compared with the parts themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.exchange import Answer, ask
from benchmarks.parts import Part, matching
from benchmarks.servers import Server

_OK = 200
_CREATED = 201
_PAGE = 100


def check(server: Server, parts: Sequence[Part], token: str) -> None:
    """Ask each kind of question once or a few times; writes to the live database.

    Raises:
        BenchmarkError: an answer differs from what it must be; the message names it.
    """
    questions = _Questions(server, token)
    for part in (parts[0], parts[len(parts) // 3], parts[-1]):
        questions.expect(f"/parts/{part.id}", part.json())
    page = questions.expect("/parts", [part.json() for part in parts[:_PAGE]])
    wanted = f"items 0-{_PAGE - 1}/{len(parts)}"
    if page.headers.get("content-range") != wanted:
        raise questions.differ("/parts", "Content-Range", page.headers.get("content-range"), wanted)
    chosen = parts[len(parts) // 2]
    model = chosen.model_number
    questions.expect_ids(f"/parts?modelNumber={model}", matching(parts, "model_number", model))
    lot = chosen.description.split()[1].rstrip(";")
    questions.expect_ids(f"/parts?q={lot}", matching(parts, "description", lot))
    questions.write(chosen)
    refused = ask(server.port, "/parts/1")
    if refused.status == _OK:
        raise questions.differ("/parts/1 without a token", "status", refused.status, "a refusal")


@dataclass(frozen=True, slots=True)
class _Questions:
    """Asks one server and complains in its name."""

    server: Server
    token: str

    def differ(self, what: str, part: str, got: Any, wanted: Any) -> BenchmarkError:
        """Return the complaint about one answer."""
        title = self.server.stack.title
        return BenchmarkError(f"{title}: {what}: {part} is {got!r:.300}, not {wanted!r:.300}")

    def get(self, path: str) -> Answer:
        """Get a path with the token; its status must be 200."""
        answer = ask(self.server.port, path, token=self.token)
        if answer.status != _OK:
            raise self.differ(f"GET {path}", "status", answer.status, _OK)
        return answer

    def expect(self, path: str, wanted: Any) -> Answer:
        """Get a path whose body must be exactly this."""
        answer = self.get(path)
        got = answer.json()
        if got != wanted:
            if isinstance(got, list) and len(got) == len(wanted):
                got, wanted = next(pair for pair in zip(got, wanted, strict=True) if _unlike(pair))
            raise self.differ(f"GET {path}", "body", got, wanted)
        return answer

    def expect_ids(self, path: str, wanted: list[int]) -> None:
        """Get a list whose rows must be exactly these, in any order."""
        got = sorted(row["id"] for row in self.get(path).json())
        if got != wanted:
            raise self.differ(f"GET {path}", "ids", got, wanted)

    def write(self, part: Part) -> None:
        """Post and put as the load does; read both back."""
        port = self.server.port
        new = {"partNumber": "ban-bd", "modelNumber": 1, "name": "Banana Bread"}
        posted = ask(port, "/parts", method="POST", token=self.token, body=new)
        if posted.status != _CREATED:
            raise self.differ("POST /parts", "status", posted.status, _CREATED)
        created = posted.json()
        if created["modelNumber"] != "1":
            raise self.differ("POST /parts", "modelNumber", created["modelNumber"], "1")
        self.expect(f"/parts/{created['id']}", created)
        path = f"/parts/{part.id}"
        put = ask(port, path, method="PUT", token=self.token, body={"name": "Renamed"})
        if put.status != _OK:
            raise self.differ(f"PUT {path}", "status", put.status, _OK)
        kept = {**part.json(), "name": "Renamed", "updatedAt": put.json()["updatedAt"]}
        self.expect(path, kept)


def _unlike(pair: tuple[Any, Any]) -> bool:
    return bool(pair[0] != pair[1])
