"""Checks, before anything is timed, that a server's responses are correct.

A server that does less than the others would win. So every kind of request of the load is sent to
each, and the responses are compared with the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.command_line import BenchmarkError
from benchmarks.http_client import CREATED, OK, Response, send_request
from benchmarks.parts import Part, find_ids
from benchmarks.servers import Server

_PAGE: Final = 100


def check_responses(server: Server, parts: Sequence[Part], token: str) -> None:
    """Send each kind of request once or a few times; writes to the live database.

    Raises:
        BenchmarkError: A response is wrong; the message names it.
    """
    check = _Check(server, token)
    for part in (parts[0], parts[len(parts) // 3], parts[-1]):
        check.expect_body(f"/parts/{part.id}", part.to_json())
    page = check.expect_body("/parts", [part.to_json() for part in parts[:_PAGE]])
    expected = f"items 0-{_PAGE - 1}/{len(parts)}"
    if page.headers.get("content-range") != expected:
        found = page.headers.get("content-range")
        raise check.error("/parts", "Content-Range", found, expected)
    middle = parts[len(parts) // 2]
    model = middle.model_number
    check.expect_ids(f"/parts?modelNumber={model}", find_ids(parts, "model_number", model))
    lot = middle.description.split()[1].rstrip(";")
    check.expect_ids(f"/parts?q={lot}", find_ids(parts, "description", lot))
    check.write_and_read(middle)
    rejected = send_request(server.port, "/parts/1")
    if rejected.status == OK:
        raise check.error("/parts/1 without a token", "status", rejected.status, "an error")


@dataclass(frozen=True, slots=True)
class _Check:
    """The checks of one server."""

    server: Server
    token: str

    def error(self, request: str, part: str, found: Any, expected: Any) -> BenchmarkError:
        """Return the error for a wrong part of a response."""
        title = self.server.competitor.title
        return BenchmarkError(
            f"{title}: {request}: {part} is {found!r:.300}, not {expected!r:.300}"
        )

    def get(self, path: str) -> Response:
        """GET a path with the token; the status must be 200."""
        response = send_request(self.server.port, path, token=self.token)
        if response.status != OK:
            raise self.error(f"GET {path}", "status", response.status, OK)
        return response

    def expect_body(self, path: str, expected: Any) -> Response:
        """GET a path whose decoded body must equal this."""
        response = self.get(path)
        found = response.json()
        if found != expected:
            if isinstance(found, list) and len(found) == len(expected):
                pairs = zip(found, expected, strict=True)
                found, expected = next(pair for pair in pairs if pair[0] != pair[1])
            raise self.error(f"GET {path}", "body", found, expected)
        return response

    def expect_ids(self, path: str, expected: list[int]) -> None:
        """GET a list whose rows must have these ids, in any order."""
        found = sorted(row["id"] for row in self.get(path).json())
        if found != expected:
            raise self.error(f"GET {path}", "ids", found, expected)

    def write_and_read(self, part: Part) -> None:
        """POST and PUT as the load does; read both rows back."""
        port = self.server.port
        new = {"partNumber": "ban-bd", "modelNumber": 1, "name": "Banana Bread"}
        posted = send_request(port, "/parts", method="POST", token=self.token, body=new)
        if posted.status != CREATED:
            raise self.error("POST /parts", "status", posted.status, CREATED)
        created = posted.json()
        if created["modelNumber"] != "1":
            raise self.error("POST /parts", "modelNumber", created["modelNumber"], "1")
        self.expect_body(f"/parts/{created['id']}", created)
        path = f"/parts/{part.id}"
        put = send_request(port, path, method="PUT", token=self.token, body={"name": "Renamed"})
        if put.status != OK:
            raise self.error(f"PUT {path}", "status", put.status, OK)
        changed = {**part.to_json(), "name": "Renamed", "updatedAt": put.json()["updatedAt"]}
        self.expect_body(path, changed)
