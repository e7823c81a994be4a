"""A program that uses the generated clients of the shipped service; mypy checks that it may.

Each mistake has a ``type: ignore``, which mypy reports if it is none.
"""

from client.models import AsyncEncoreClient, EncoreClient, Part, PartCreate


def use_client(url: str) -> tuple[Part, float]:
    """Return a part, and the hours of a summary."""
    with EncoreClient(url) as client:
        name: str | None = client.parts.get(1)["name"]
        parts: list[Part] = client.parts.list(name=name, sort="-id").rows
        for part in client.parts.all({"count": 10}, timeout=3):
            key: int = part["id"]
        created: Part = client.parts.create({"name": "x"}, idempotency_key="k")
        client.parts.update(created["id"], {"description": None}, if_match="*")
        hours: float = client.timesheets_summary.list(by="project")[0]["hours"]
        client.timesheets_history(3).list()
        return client.parts.get(key or parts[0]["id"]), hours


async def use_async_client(url: str) -> Part:
    """Return a part."""
    async with AsyncEncoreClient(url) as client:
        return await client.parts.get(1)


def add_to_batch(client: EncoreClient) -> Part:
    """Return the row of an operation of a batch."""
    new: PartCreate = {"name": "x", "partNumber": "1"}
    with client.batch() as batch:
        created = batch.on(client.parts).create(new)
    return created.result


def make_mistakes(client: EncoreClient) -> None:
    """Make one mistake in each line."""
    client.prats  # type: ignore[attr-defined] # noqa: B018 - a mistake
    client.parts.get(1)["nam"]  # type: ignore[typeddict-item] # a mistake
    client.parts.create({"nam": "x"})  # type: ignore[call-overload] # a mistake
    client.parts.create({"name": "x"}, idempotencyKey="k")  # type: ignore[call-overload] # a mistake
    client.parts.update(1, {"name": b"x"}, if_match="*")  # type: ignore[call-overload] # a mistake
    client.timesheets_history()  # type: ignore[call-arg] # a mistake
    client.parts.delete(1, if_matches="*")  # type: ignore[call-arg] # a mistake
