"""openid-client, unmodified from npm, logs in at both shapes by discovery."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.consent import Person
from tests.fixtures.node import require_packages
from tests.issuer.conftest import CALLBACK, CLIENT_ID, CLIENT_SECRET

FOLDER = Path(__file__).parent / "openid_client"
PROGRAM = "http://127.0.0.1:4321/callback"


@pytest.mark.parametrize(
    ("path", "client", "secret", "redirect_uri"),
    [
        ("/oauth2/default", "client", "", PROGRAM),
        ("/", CLIENT_ID, CLIENT_SECRET, CALLBACK),
    ],
)
def test_openid_client_logs_in_refreshes_and_connects_a_device(
    origin: str, path: str, client: str, secret: str, redirect_uri: str
) -> None:
    node = require_packages(FOLDER)
    command = [node, "login.mjs", origin + path, client, secret, redirect_uri]
    with (
        Person() as person,
        subprocess.Popen(
            command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        back = person.allow(process.stdout.readline().strip(), "grace")
        process.stdin.write(f"{back}\n")
        process.stdin.flush()
        page = person.send(person.open(process.stdout.readline().strip()))
        assert person.send(page, {"decision": "allow", "user": "grace"}).status_code == 200
        process.stdin.write("\n")
        process.stdin.close()
        result = json.loads(process.stdout.read())
    scopes = "openid profile offline_access parts_manager"
    assert result["sub"].removeprefix("auth0|") == "grace"
    assert result["name"] == "grace"
    assert (result["scope"], result["refreshed"]) == (scopes, scopes)
    assert result["device"] == "openid parts_manager"
