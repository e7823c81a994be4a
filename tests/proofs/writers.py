"""A state machine of writers that change rows with stale and fresh entity tags.

The model knows the value of each row and which tags are stale. Each successful write stores a
value that was never stored before, so that a lost update shows in the next read. Writers alternate
between two servers over one database.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.proofs.http_connection import HTTPConnection, Response
from tests.proofs.servers import ServerPair

T = TypeVar("T")

WRITERS: Final = 8
NAMED: Final = ("/labels",)
"""Collections whose rows have a name as their key, which is used again after a deletion."""

COLLECTIONS: Final = ("/notes", "/counters", *NAMED)
_FIRST_ROWS: Final = 2
_STALE: Final = '"0.stale"'

writers = st.integers(0, WRITERS - 1)
rows = st.integers(0, 63)
"""A row by its place among those known, modulo their number."""

conditions = st.sampled_from(("seen", "seen", "seen", "any", "none", "list", "weak", "other"))
methods = st.sampled_from(("PUT", "PATCH"))
looks = st.booleans()
"""Whether a writer reads the row first, so that its tag is fresh."""

races = st.lists(
    st.tuples(
        writers,
        st.sampled_from(("PUT", "PATCH", "PUT", "PATCH", "DELETE")),
        st.sampled_from(("seen", "seen", "seen", "seen", "any", "none")),
        looks,
    ),
    min_size=2,
    max_size=WRITERS,
    unique_by=lambda attempt: attempt[0],
)

values = count(1)
"""Numbers of the values, across all runs on a database."""


@dataclass
class Row:
    """What the model knows of a row.

    Attributes:
        path: Its path.
        value: Its value; None once it is deleted.
        revision: How often it was written.
        tags: The row's tag and its revision as each writer has seen them.
    """

    path: str
    value: str | None
    revision: int = 0
    tags: dict[int, tuple[str, int]] = field(default_factory=dict)

    def write(self, value: str | None) -> None:
        """Record a successful write."""
        self.value = value
        self.revision += 1

    def is_fresh(self, writer: int) -> bool:
        """Whether the tag that a writer has seen is the current one."""
        return writer in self.tags and self.tags[writer][1] == self.revision


@dataclass(frozen=True)
class Attempt:
    """A write that a writer sends, and whether its precondition holds as things are."""

    writer: int
    method: str
    value: str | None
    condition: str
    headers: dict[str, str]
    holds: bool


@dataclass
class Tally:
    """What the machines of a test did.

    Attributes:
        steps: The number of steps.
        written: How many writes were carried out.
        refused: How many were refused as stale.
    """

    steps: int = 0
    written: int = 0
    refused: int = 0


class WriterMachine(RuleBasedStateMachine):
    """Eight writers of the rows of some resources.

    Attributes:
        servers: The servers; a subclass sets them.
        tally: Counts over all runs.
    """

    servers: ClassVar[ServerPair]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._rows: list[Row] = []
        self._connections: list[HTTPConnection] = [
            self.servers.both[number % 2].connect(f"writer-{number}") for number in range(WRITERS)
        ]

    def teardown(self) -> None:
        try:
            self._run(self._check_rows())
        finally:
            for connection in self._connections:
                connection.close()
            self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    async def _send(
        self, writer: int, method: str, path: str, body: Any = None, **headers: str
    ) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._connections[writer].request(method, path, body, named)

    @invariant()
    def count_step(self) -> None:
        """Count the step."""
        self.tally.steps += 1

    @initialize()
    def create_first_rows(self) -> None:
        """Create rows of each resource."""
        for collection in COLLECTIONS:
            for number in range(_FIRST_ROWS):
                self.create(number, collection)

    @rule(writer=writers, collection=st.sampled_from(COLLECTIONS))
    def create(self, writer: int, collection: str) -> None:
        """Create a row; its response has the tag that a GET has."""
        value = _new_value()
        key = {"name": self._choose_name(collection, value)} if collection in NAMED else {}
        response = self._run(self._send(writer, "POST", collection, {"value": value, **key}))
        assert response.status == 201, response
        created = response.json()
        path = f"{collection}/{created.get('id', created.get('name'))}"
        row = next((row for row in self._rows if row.path == path), None)
        if row is None:
            row = Row(path, value)
            self._rows.append(row)
        else:  # A row with the key of a deleted one; tags of that must not match it.
            assert row.value is None, (row, response)
            row.write(value)
        row.tags[writer] = response.etag, row.revision

    @rule(writer=writers, place=rows)
    def read(self, writer: int, place: int) -> None:
        """Read a row, and remember its tag."""
        row = self._row(place)
        response = self._run(self._send(writer, "GET", row.path))
        self._check_read(row, response)
        if row.value is not None:
            row.tags[writer] = response.etag, row.revision

    @rule(writer=writers, place=rows)
    def read_again(self, writer: int, place: int) -> None:
        """Read a row with the tag seen: it is sent again only if it has changed."""
        row = self._row(place)
        seen = row.tags.get(writer)
        if seen is None:
            return
        response = self._run(self._send(writer, "GET", row.path, If_None_Match=seen[0]))
        if row.value is not None and row.is_fresh(writer):
            assert response.status == 304, (row, response)
            assert response.body == b""
        else:
            self._check_read(row, response)

    @rule(writer=writers, place=rows, method=methods, condition=conditions, looks_first=looks)
    def write(
        self,
        writer: int,
        place: int,
        method: str,
        condition: str,
        looks_first: bool,  # noqa: FBT001 - hypothesis passes it by name
    ) -> None:
        """Write a row under a precondition."""
        if looks_first:
            self.read(writer, place)
        self._attempt(self._row(place), writer, method, condition)

    @rule(writer=writers, place=rows, condition=st.sampled_from(("seen", "seen", "any", "other")))
    def delete(self, writer: int, place: int, condition: str) -> None:
        """Delete a row under a precondition."""
        self._attempt(self._row(place), writer, "DELETE", condition)

    @rule(writer=writers, place=rows)
    def increment(self, writer: int, place: int) -> None:
        """Change a counter by a custom action: all tags become stale."""
        row = self._row(place)
        if row.path.startswith("/counters/"):
            response = self._run(self._send(writer, "POST", f"{row.path}/increment", {}))
            assert response.status == (404 if row.value is None else 200), response
            if row.value is not None:
                row.write(row.value)

    @rule(place=rows, attempts=races)
    def race(self, place: int, attempts: Sequence[tuple[int, str, str, bool]]) -> None:
        """Have several writers write one row at once: at most one per tag succeeds."""
        row = self._row(place)
        for writer, _, _, looks_first in attempts:
            if looks_first:
                self.read(writer, place)
        built = [
            self._build(row, writer, method, condition) for writer, method, condition, _ in attempts
        ]

        async def send_all() -> list[Response]:
            return await asyncio.gather(*(self._send_attempt(row, one) for one in built))

        responses = self._run(send_all())
        self._check_race(row, list(zip(built, responses, strict=True)))

    def _attempt(self, row: Row, writer: int, method: str, condition: str) -> None:
        attempt = self._build(row, writer, method, condition)
        response = self._run(self._send_attempt(row, attempt))
        if row.value is None:
            assert response.status == 404, (attempt, response)
        elif attempt.holds:
            assert response.status in {200, 204}, (attempt, response)
            self._record(row, attempt, response)
        else:
            assert response.status == 412, (row, attempt, response)
            assert "etag" in response.headers, response
            self.tally.refused += 1
            current = self._run(self._send(writer, "GET", row.path))
            self._check_read(row, current)
            assert _row_part(response.etag) == _row_part(current.etag), (response, current)

    def _build(self, row: Row, writer: int, method: str, condition: str) -> Attempt:
        seen = row.tags.get(writer, (_STALE, -1))[0]
        fresh = row.is_fresh(writer)
        headers, holds = {
            "seen": ({"If-Match": seen}, fresh),
            "any": ({"If-Match": "*"}, True),
            "none": ({}, True),
            "list": ({"If-Match": f'{_STALE}, {seen} , "x"'}, fresh),
            "weak": ({"If-Match": f"W/{seen}"}, False),
            "other": ({"If-Match": _STALE}, False),
        }[condition]
        value = None if method == "DELETE" else _new_value()
        return Attempt(writer, method, value, condition, headers, holds)

    async def _send_attempt(self, row: Row, attempt: Attempt) -> Response:
        body = None if attempt.value is None else {"value": attempt.value}
        connection = self._connections[attempt.writer]
        return await connection.request(attempt.method, row.path, body, attempt.headers)

    def _record(self, row: Row, attempt: Attempt, response: Response) -> None:
        self.tally.written += 1
        row.write(attempt.value)
        if attempt.value is not None:
            assert response.json()["value"] == attempt.value, (attempt, response)
            row.tags[attempt.writer] = response.etag, row.revision

    def _check_race(self, row: Row, results: list[tuple[Attempt, Response]]) -> None:
        was_there = row.value is not None
        done = [pair for pair in results if pair[1].status in {200, 204}]
        by_tag = [attempt for attempt, _ in done if attempt.condition == "seen"]
        deletions = [attempt for attempt, _ in done if attempt.method == "DELETE"]
        assert {response.status for _, response in results} <= {200, 204, 404, 412}, results
        assert all(attempt.holds for attempt in by_tag), (row, results)
        assert len(by_tag) <= 1, ("lost update", row, results)
        assert not done or was_there, (row, results)
        if was_there and any(attempt.holds for attempt, _ in results):
            assert done, (row, results)
        if any(response.status == 404 for _, response in results):
            assert deletions or not was_there, (row, results)
        if by_tag and by_tag[0].method == "DELETE":
            assert len(done) == 1, ("lost update", row, results)
        self.tally.written += len(done)
        self.tally.refused += len(results) - len(done)
        if not done:
            return
        final = self._run(self._send(0, "GET", row.path))
        candidates = [attempt.value for attempt, _ in done]
        if len(done) > 1 and by_tag:
            candidates.remove(by_tag[0].value)  # It was the first: the tag was that of the start.
        value = None if final.status == 404 else final.json()["value"]
        assert value in candidates, ("lost update", row, results, final)
        assert not deletions or value is None, (row, results, final)
        for _ in done:
            row.write(value)
        if value is not None:
            row.tags[0] = final.etag, row.revision

    def _check_read(self, row: Row, response: Response) -> None:
        if row.value is None:
            assert response.status == 404, (row, response)
        else:
            assert response.status == 200, (row, response)
            assert response.json()["value"] == row.value, ("lost update", row, response)

    async def _check_rows(self) -> None:
        for number, row in enumerate(self._rows):
            self._check_read(row, await self._send(number % WRITERS, "GET", row.path))

    def _choose_name(self, collection: str, new: str) -> str:
        """Return the name of a deleted row, or a new one."""
        for row in self._rows:
            if row.value is None and row.path.startswith(f"{collection}/"):
                return row.path.removeprefix(f"{collection}/")
        return new

    def _row(self, place: int) -> Row:
        return self._rows[place % len(self._rows)]


def _new_value() -> str:
    return f"value-{next(values)}"


def _row_part(tag: str) -> str:
    """Return what ``If-Match`` compares of a tag."""
    assert tag.startswith('"'), tag
    assert tag.endswith('"'), tag
    return tag.strip('"').partition(".")[0]
