"""Why a database cannot be opened, in words that say what to change."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from encore.database.errors import DatabaseError
from encore.database.factory import open_database
from encore.database.startup import describe_failure

pytestmark = pytest.mark.anyio


@pytest.fixture
def server_without_tls() -> Iterator[str]:
    """Return the address of a server that answers N to PostgreSQL's SSLRequest."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(8)
                        connection.sendall(b"N")

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


async def failure(url: str) -> str:
    database = open_database(url)
    with pytest.raises(DatabaseError) as raised:
        await database.open()
    await database.close()
    return describe_failure(raised.value)


async def test_server_that_does_not_offer_the_required_tls_is_named(
    server_without_tls: str,
) -> None:
    text = await failure(f"postgresql://user:secret@{server_without_tls}/name?sslmode=require")
    assert text == "the server does not offer TLS, which sslmode requires"


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "certain"])
async def test_unusable_parameter_of_the_url_is_explained(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # Has no certificates.
    text = await failure(f"postgresql://user:secret@127.0.0.1:1/name?sslmode={mode}")
    assert text.startswith("a parameter of the URL is invalid; sslmode=verify-full")
    assert "secret" not in text
