"""Where settings come from, and the development client's secret."""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from encore.server.development import make_client
from encore.settings import Settings

REAL = "https://issuer.example/oauth2/default"


def test_the_secret_is_the_owners_alone_and_made_once(
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
        make_client()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("LOG_LEVEL=warning\n")
    assert set(dotenv_values(path)) == {"LOG_LEVEL", "CLIENT_ID", "CLIENT_SECRET"}


def test_a_secret_of_ones_own_is_taken_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIENT_ID", "mine")
    monkeypatch.setenv("CLIENT_SECRET", "own")
    make_client()
    assert not (tmp_path / ".env.local").exists()


@pytest.mark.parametrize("text", ["LOG_LEVEL=warning", "CLIENT_ID=half\n", "CLIENT_SECRET=\n"])
def test_a_file_that_holds_half_a_client_gets_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env.local"
    path.write_text(text)
    make_client()
    known = dotenv_values(path)
    assert known["CLIENT_ID"] == "development-client"
    assert known["CLIENT_SECRET"]
    assert known.get("LOG_LEVEL", "warning") == "warning"


ORDER = ("environment", ".env.local", ".env", "default")


@pytest.mark.parametrize("winner", ORDER)
def test_a_setting_is_taken_from_the_environment_then_env_local_then_env(
    tmp_path: Path, winner: str
) -> None:
    places = ORDER[ORDER.index(winner) : -1]
    for name in (".env", ".env.local"):
        if name in places:
            (tmp_path / name).write_text(f"AUDIENCE={name}\nISSUER={REAL}\n")
    environ = {"ISSUER": REAL, **({"AUDIENCE": winner} if winner == "environment" else {})}
    settings = Settings.load(tmp_path, environ)
    assert settings.audience == ("api://default" if winner == "default" else winner)


def test_a_value_is_taken_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("AUDIENCE='a$HOME ${HOME} #b'\n")
    assert Settings.load(tmp_path, {"ISSUER": REAL}).audience == "a$HOME ${HOME} #b"
