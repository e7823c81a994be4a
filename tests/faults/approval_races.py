"""Races of decisions and edits on timesheets, over real connections to a running service.

In each run an owner creates two entries of 1 h. Then, all at once, two approvers look at them and
decide on the versions that they see, while the owner changes, uploads or deletes one of them.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import httpx

AT_ONCE: Final = 4
"""The number of runs at a time."""

_FIRST_DAY: Final = date(2031, 1, 1)
_MAX_DELAY: Final = 0.004
"""In seconds; about the time of a request."""

_APPROVED: Final = "is approved and cannot be changed"
_EXPECTED: Final = {200, 404, 409, 412}

Entry = dict[str, Any]


@dataclass
class Callers:
    """The callers of all runs.

    Attributes:
        owners: A person, and a client that imports entries; they change their own entries.
        approvers: They decide, and change nothing.
    """

    owners: tuple[httpx.AsyncClient, httpx.AsyncClient]
    approvers: Sequence[httpx.AsyncClient]


@dataclass
class Outcome:
    """What all runs ended with.

    Attributes:
        wrong: Entries that were approved with other values than their approver had seen.
        unexpected: Responses that no caller should get.
        approved: The approvals, by entry: what the approver saw.
        edits: How many changes were carried out.
        refused: How many changes and decisions were refused.
    """

    wrong: list[tuple[Entry | None, Entry]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    approved: dict[int, Entry] = field(default_factory=dict)
    edits: int = 0
    refused: int = 0


class ApprovalRaces:
    """Runs races, some at a time.

    Args:
        callers: The callers.
        runs: The number of races.
        seed: Of the random choices.
    """

    def __init__(self, callers: Callers, runs: int, seed: int) -> None:
        self._callers = callers
        self._random = random.Random(seed)
        self._numbers = iter(range(runs))
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        """Run all races; return what they ended with."""
        await asyncio.gather(*(self._run_races() for _ in range(AT_ONCE)))
        return self.outcome

    async def _run_races(self) -> None:
        for number in self._numbers:
            await self._race(number)

    async def _race(self, number: int) -> None:
        owner = self._random.choice(self._callers.owners)
        entries = [await self._create(owner, 2 * number + place) for place in range(2)]
        looked = asyncio.Event()
        if self._random.random() < 0.3:
            looked.set()
        work = [self._edit(owner, self._random.choice(entries), looked)]
        work += [self._decide(approver, entries, looked) for approver in self._callers.approvers]
        await asyncio.gather(*work)
        for entry in entries:
            await self._check(owner, entry["id"])

    async def _wait(self) -> None:
        await asyncio.sleep(self._random.random() * _MAX_DELAY)

    async def _create(self, owner: httpx.AsyncClient, day: int) -> Entry:
        when = f"{_FIRST_DAY + timedelta(days=day)}T12:00:00Z"
        entry: Entry = {"user_id": "racer", "date": when, "project": "Race", "hours": 1}
        if owner is self._callers.owners[1]:
            entry |= {"source": "development-client", "external_id": f"race {day}"}
        response = await owner.post("/timesheets", json=entry)
        assert response.status_code == 201, response.text
        return {**entry, "id": response.json()["id"]}

    async def _edit(self, owner: httpx.AsyncClient, entry: Entry, looked: asyncio.Event) -> None:
        """Change the hours, by an update or an upload, or delete the entry."""
        await looked.wait()
        await self._wait()
        path = f"/timesheets/{entry['id']}"
        kind = self._random.choice(("update", "update", "upload", "delete"))
        if kind == "delete":
            response = await owner.delete(path)
        elif kind == "upload" and "external_id" in entry:
            row = {name: value for name, value in entry.items() if name != "id"}
            response = await owner.post("/timesheets/upload", json={**row, "hours": 20})
            if _APPROVED in response.text:  # Uploads reject the row.
                self.outcome.refused += 1
                return
        else:
            response = await owner.put(path, json={"hours": 20})
        self.outcome.edits += self._succeeds(response)

    async def _decide(
        self, approver: httpx.AsyncClient, entries: Sequence[Entry], looked: asyncio.Event
    ) -> None:
        """Look at the entries, and decide on what is seen, in one of the forms."""
        await self._wait()
        found = [await self._get(approver, f"/approvals/{entry['id']}") for entry in entries]
        seen = [entry for entry in found if entry is not None]
        looked.set()
        await self._wait()
        if not seen:
            return
        form = self._random.choice(("body", "header", "many"))
        approves = self._random.random() < 0.7
        body: Entry = {} if approves else {"status": "rejected", "reason": "unclear"}
        if form == "many":
            named = [{"id": entry["id"], "version": entry["version"]} for entry in seen]
            response = await approver.put("/approvals", json={**body, "entries": named})
        else:
            seen, version = seen[:1], seen[0]["version"]
            path = f"/approvals/{seen[0]['id']}"
            if form == "body":
                response = await approver.put(path, json={**body, "version": version})
            else:
                headers = {"If-Match": f'"{version}"'}
                response = await approver.put(path, json=body, headers=headers)
        if self._succeeds(response) and approves:
            decided = response.json() if form == "many" else [response.json()]
            for before, after in zip(seen, decided, strict=True):
                self.outcome.approved[after["id"]] = before
                self._compare(after)

    async def _check(self, owner: httpx.AsyncClient, id_: int) -> None:
        """Compare an entry that is approved in the end with what its approver saw."""
        entry = await self._get(owner, f"/timesheets/{id_}")
        if entry is not None:
            history = await owner.get(f"/timesheets/{id_}/history", params={"sort": "version"})
            versions = [change["version"] for change in history.json()]
            if versions != [*range(1, entry["version"] + 1)]:
                self.outcome.unexpected.append(f"version {entry['version']} after {versions}")
        if entry is not None and entry["approved"]:
            self._compare(entry)
        elif id_ in self.outcome.approved:  # An approval is final.
            self.outcome.wrong.append((self.outcome.approved[id_], entry or {}))

    def _compare(self, approved: Entry) -> None:
        seen = self.outcome.approved.get(approved["id"])
        names = ("user_id", "date", "project", "hours")
        is_same = seen is not None and all(seen[name] == approved[name] for name in names)
        if not (is_same and seen and approved["version"] == seen["version"] + 1):
            self.outcome.wrong.append((seen, approved))

    async def _get(self, caller: httpx.AsyncClient, path: str) -> Entry | None:
        response = await caller.get(path)
        found: Entry | None = response.json() if self._succeeds(response) else None
        return found

    def _succeeds(self, response: httpx.Response) -> bool:
        if response.status_code not in _EXPECTED:
            self.outcome.unexpected.append(f"{response.status_code} {response.text}")
        self.outcome.refused += response.status_code in (409, 412)
        return response.is_success
