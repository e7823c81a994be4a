"""Settings: environment over .env.local over .env of the current directory."""

from pathlib import Path
from typing import Any

import pytest

from client.settings import load_settings
from encore.client.errors import ConfigurationError
from encore.client.settings import ClientSettings

FULL = "ISSUER=http://localhost/a\nCLIENT_ID=file\nCLIENT_SECRET=hidden\n"


def test_environment_overrides_env_local_overrides_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(FULL + "SCOPE=env\nAUDIENCE=env\n")
    (tmp_path / ".env.local").write_text("SCOPE=local\nAUDIENCE=local\n")
    settings = load_settings({"AUDIENCE": "process"}, str(tmp_path))
    assert (settings.client_id, settings.scope, settings.audience) == ("file", "local", "process")


def test_okta_env_file_is_overridden_by_env_local(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(FULL)
    (tmp_path / ".okta.env").write_text(
        'export OKTA_OAUTH2_ISSUER="https://dev-133337.okta.com/oauth2/default"\n'
        'export OKTA_OAUTH2_CLIENT_ID="okta"\nexport OKTA_OAUTH2_CLIENT_SECRET="NEVER-SHOW"\n'
    )
    (tmp_path / ".env.local").write_text("CLIENT_SECRET=local\n")
    settings = load_settings({}, str(tmp_path))
    assert settings.issuer == "https://dev-133337.okta.com/oauth2/default"
    assert (settings.client_id, settings.client_secret) == ("okta", "local")


@pytest.mark.parametrize("secret", ["a$b", "${HOME}", "a#b", "é"])
def test_quoted_secret_is_not_expanded(tmp_path: Path, secret: str) -> None:
    (tmp_path / ".env").write_text(f"{FULL}CLIENT_SECRET='{secret}'\n", encoding="utf-8")
    assert load_settings({}, str(tmp_path)).client_secret == secret


@pytest.mark.parametrize("name", ["ISSUER", "CLIENT_ID", "CLIENT_SECRET"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_setting_is_reported_in_one_line(run: Any, name: str, value: str | None) -> None:
    result = run("http://localhost/", **{name: value})
    assert (result.code, result.out) == (11, "")
    assert result.err.startswith(f"{name} is not set")
    assert ".env.local" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("issuer", ["localhost:3001", "https://", "ftp://a/b", "http://u:p@h/"])
def test_malformed_issuer_is_reported_by_name(run: Any, issuer: str) -> None:
    result = run("http://localhost/", ISSUER=issuer)
    assert result.code == 11
    assert result.err.startswith("ISSUER ")


def test_env_file_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_bytes(b"CLIENT_ID=\xff\n")
    with pytest.raises(ConfigurationError, match=r"\.env\.local cannot be read"):
        load_settings({}, str(tmp_path))


def test_repr_of_settings_hides_secret() -> None:
    assert "hidden" not in repr(ClientSettings(issuer="i", client_id="c", client_secret="hidden"))


@pytest.mark.parametrize(
    ("slash", "name"),
    [
        *(("", name) for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPE")),
        *(("/", name) for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPE", "AUDIENCE")),
    ],
)
def test_setting_that_is_not_utf_8_is_reported_without_it(run: Any, name: str, slash: str) -> None:
    result = run("token", **{"ISSUER": f"http://127.0.0.1:9{slash}", name: "s\udcffcret"})
    assert (result.code, result.out) == (11, "")
    assert "UTF-8" in result.err
    assert "cret" not in result.err
