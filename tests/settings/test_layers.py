"""Where settings come from, and the development client's secret."""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from encore.server.development_client import DevelopmentClient
from encore.settings import Settings, read_layers


def save_client() -> None:
    DevelopmentClient.load(read_layers()).save()


REAL = "https://issuer.example/oauth2/default"


def test_new_client_is_saved_once_for_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env.local"
    path.write_text("LOG_LEVEL=warning\n")
    path.chmod(0o644)
    texts = []
    for _ in range(2):
        save_client()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("LOG_LEVEL=warning\n")
    assert set(dotenv_values(path)) == {"LOG_LEVEL", "CLIENT_ID", "CLIENT_SECRET"}


def test_client_of_environment_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIENT_ID", "mine")
    monkeypatch.setenv("CLIENT_SECRET", "own")
    save_client()
    assert not (tmp_path / ".env.local").exists()


@pytest.mark.parametrize("text", ["LOG_LEVEL=warning", "CLIENT_ID=half\n", "CLIENT_SECRET=\n"])
def test_incomplete_client_in_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env.local"
    path.write_text(text)
    save_client()
    known = dotenv_values(path)
    assert known["CLIENT_ID"] == "development-client"
    assert known["CLIENT_SECRET"]
    assert known.get("LOG_LEVEL", "warning") == "warning"


ORDER = ("environment", ".env.local", ".env", "default")


@pytest.mark.parametrize("winner", ORDER)
def test_environment_overrides_env_local_which_overrides_env(tmp_path: Path, winner: str) -> None:
    places = ORDER[ORDER.index(winner) : -1]
    for name in (".env", ".env.local"):
        if name in places:
            (tmp_path / name).write_text(f"AUDIENCE={name}\nISSUER={REAL}\n")
    environ = {"ISSUER": REAL, **({"AUDIENCE": winner} if winner == "environment" else {})}
    settings = Settings.load(tmp_path, environ)
    assert settings.audience == ("api://default" if winner == "default" else winner)


def test_value_is_not_interpolated(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("AUDIENCE='a$HOME ${HOME} #b'\n")
    assert Settings.load(tmp_path, {"ISSUER": REAL}).audience == "a$HOME ${HOME} #b"
