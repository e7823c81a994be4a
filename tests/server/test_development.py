"""``encore dev``: where the development issuer writes the tokens that it revoked."""

from pathlib import Path

import structlog

from encore import Service
from encore.issuer import IssuerSettings
from encore.server.development import _complete, _revoked_tokens_file
from encore.settings import Settings

ISSUER = "http://localhost:3001/oauth2/default"
OWN = IssuerSettings(issuer=ISSUER, audience="x", clients={"a": "b"}, default_scopes=())


def test_file_of_the_settings_is_used(tmp_path: Path) -> None:
    file = tmp_path / "revoked.txt"
    file.touch()
    settings = Settings(issuer=ISSUER, revoked_tokens_file=str(file))
    with _revoked_tokens_file(settings) as revoked:
        assert revoked == file
    assert file.exists()
    assert _complete(OWN, Service(settings)).revoked_tokens_file == file


def test_settings_made_in_code_without_a_file_are_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        completed = _complete(OWN, Service(Settings(issuer=ISSUER)))
    assert completed.revoked_tokens_file is None
    assert [(log["event"], log["missing"]) for log in logs] == [
        ("revoked tokens stay valid", "REVOKED_TOKENS_FILE")
    ]
