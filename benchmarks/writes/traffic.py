"""The requests of each row."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final
from uuid import uuid4

from benchmarks.http_client import CREATED, OK
from benchmarks.writes.load import CONNECTIONS, Received, Traffic, measure_load

NOT_MODIFIED: Final = 304
_NO_CONTENT: Final = 204
_IDS_OF_A_CONNECTION: Final = 20

_numbers: Final = count(1)


def next_number() -> int:
    """Return a number that no other value of this run has."""
    return next(_numbers)


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, and how to reach it.

    Attributes:
        port: Port on loopback.
        processes: Ids of the first process of the server, and of its database's server.
        token: Access token.
        database_url: The database behind it.
        rows: Count of parts; their ids are 1 to this number.
        random: Of the ids.
    """

    port: int
    processes: tuple[int, ...]
    token: str
    database_url: str
    rows: int
    random: Random = field(default_factory=lambda: Random(13))

    def encode(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> bytes:
        """Return the bytes of a request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"Authorization: Bearer {self.token}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join((*lines, "", "")).encode() + content

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Received:
        """Send one request; return its response.

        Raises:
            BenchmarkError: The response is not 2xx.
        """
        pending = [self.encode(method, path, body, headers)]
        received: list[Received] = []
        traffic = Traffic(
            lambda _: pending.pop() if pending else None,
            lambda _, response: received.append(response),
            frozenset({OK, CREATED, _NO_CONTENT}),
        )
        measure_load(self.port, self.processes, traffic, seconds=None, connections=1)
        return received[0]


BuildTraffic = Callable[[Target], Traffic]
"""Returns the requests of a row; called before each measurement."""


def _ignore(_connection: int, _response: Received) -> None:
    """Ignore a response."""


def get_one(target: Target) -> Traffic:
    """GET of a random part."""
    return Traffic(
        lambda _: target.encode("GET", f"/parts/{target.random.randint(1, target.rows)}"),
        _ignore,
        frozenset({OK}),
    )


def get_list(target: Target) -> Traffic:
    """GET of the first page."""
    request = target.encode("GET", "/parts")
    return Traffic(lambda _: request, _ignore, frozenset({OK}))


def get_unchanged_list(target: Target) -> Traffic:
    """GET of the first page, which the client has."""
    tag = target.send("GET", "/parts").etag.decode()
    request = target.encode("GET", "/parts", headers={"If-None-Match": tag})
    return Traffic(lambda _: request, _ignore, frozenset({NOT_MODIFIED}))


def _new_part() -> dict[str, str]:
    number = next_number()
    return {
        "partNumber": f"new-{number:07d}",
        "modelNumber": "mod-new",
        "name": f"Banana Bread {number}",
        "description": "Bread made from bananas, and posted by the load generator",
    }


def put(path: str = "/parts") -> BuildTraffic:
    """PUT of the name of a random part."""

    def build(target: Target) -> Traffic:
        def next_request(_: int) -> bytes:
            id_ = target.random.randint(1, target.rows)
            return target.encode("PUT", f"{path}/{id_}", {"name": f"Renamed {next_number()}"})

        return Traffic(next_request, _ignore, frozenset({OK}))

    return build


def _read_tags(target: Target, ids: list[int]) -> dict[int, bytes]:
    """Return the tags of some parts."""
    left, tags = ids[::-1], dict[int, bytes]()

    def handle(_: int, response: Received) -> None:
        tags[left.pop()] = response.etag

    traffic = Traffic(
        lambda _: target.encode("GET", f"/parts/{left[-1]}") if left else None,
        handle,
        frozenset({OK}),
    )
    measure_load(target.port, target.processes, traffic, seconds=None, connections=1)
    return tags


def put_with_tag(target: Target) -> Traffic:
    """PUT of the name of a part, with its current tag in If-Match."""
    own = [
        [place * CONNECTIONS + number + 1 for place in range(_IDS_OF_A_CONNECTION)]
        for number in range(CONNECTIONS)
    ]
    tags = _read_tags(target, [id_ for ids in own for id_ in ids])
    current = [0] * CONNECTIONS

    def next_request(connection: int) -> bytes:
        id_ = current[connection] = target.random.choice(own[connection])
        body = {"name": f"Renamed {next_number()}"}
        return target.encode("PUT", f"/parts/{id_}", body, {"If-Match": tags[id_].decode()})

    def handle(connection: int, response: Received) -> None:
        tags[current[connection]] = response.etag

    return Traffic(next_request, handle, frozenset({OK}))


def post(path: str = "/parts") -> BuildTraffic:
    """POST of a part."""
    return lambda target: Traffic(
        lambda _: target.encode("POST", path, _new_part()), _ignore, frozenset({CREATED})
    )


def post_with_key(target: Target) -> Traffic:
    """POST of a part with a new idempotency key."""

    def next_request(_: int) -> bytes:
        return target.encode("POST", "/parts", _new_part(), {"Idempotency-Key": f'"{uuid4()}"'})

    return Traffic(next_request, _ignore, frozenset({CREATED}))


def post_some(number: int) -> BuildTraffic:
    """POST of so many parts, one a request."""

    def build(target: Target) -> Traffic:
        left = [target.encode("POST", "/parts", _new_part()) for _ in range(number)]
        return Traffic(lambda _: left.pop() if left else None, _ignore, frozenset({CREATED}))

    return build


def batch_of_creates(number: int) -> BuildTraffic:
    """One batch that creates so many parts."""

    def build(target: Target) -> Traffic:
        operations = [
            {"method": "POST", "path": "/parts", "body": _new_part()} for _ in range(number)
        ]
        left = [target.encode("POST", "/batch", {"operations": operations})]
        return Traffic(lambda _: left.pop() if left else None, _ignore, frozenset({OK}))

    return build


def patch_rows(target: Target) -> Traffic:
    """One PATCH of the name of all rows that the copy of the parts began with."""
    path = f"/plain?id__lte={target.rows}&max_affected={target.rows}"
    left = [target.encode("PATCH", path, {"name": f"Renamed {next_number()}"})]
    return Traffic(lambda _: left.pop() if left else None, _ignore, frozenset({OK, _NO_CONTENT}))
