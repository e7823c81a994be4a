"""Production refuses, in one line a setting, what is safe on a developer's machine only."""

from pathlib import Path
from typing import Any

import pytest

from encore.errors import SettingsError
from encore.settings import Settings, set_process_layers, trusted_issuers

ISSUER = "https://issuer.example/oauth2/default"
PRODUCTION = {"ENVIRONMENT": "production", "ISSUER": ISSUER}
REMOTE = "postgresql://user:secret@db.example/name"

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    # Settings, and how the only line begins.
    "http issuer": (
        {"ISSUER": "http://localhost:3001/oauth2/default"},
        "ISSUER: must use https",
    ),
    "http issuer in capitals": ({"ISSUER": "HTTP://127.0.0.1/"}, "ISSUER: must use https"),
    "tenant on this machine": (
        {"AUTH0_DOMAIN": "localhost:3001", "AUTH0_AUDIENCE": "api", "AUTH0_USER_PREFIX": "x|"},
        "AUTH0_DOMAIN: must not be this machine",
    ),
    "http introspection": (
        {
            "INTROSPECTION_URL": "http://127.0.0.1:3001/introspect",
            "INTROSPECTION_CLIENT_ID": "id",
            "INTROSPECTION_CLIENT_SECRET": "secret",
        },
        "INTROSPECTION_URL: must use https",
    ),
    "PostgreSQL without TLS": ({"DATABASE_URL": REMOTE}, "DATABASE_URL: must name a server on"),
    "PostgreSQL with optional TLS": (
        {"DATABASE_URL": f"{REMOTE}?sslmode=prefer"},
        "DATABASE_URL: must name a server on",
    ),
}


def problems(directory: Path, **environ: str) -> tuple[str, ...]:
    """Return the lines of the refusal; none if the settings are accepted."""
    try:
        settings = Settings.load(directory, environ)
        trusted_issuers(settings)
    except SettingsError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(("settings", "line"), REFUSED.values(), ids=REFUSED)
def test_unsafe_setting_is_refused_in_production_only(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    (found,) = problems(tmp_path, **{**PRODUCTION, **settings})
    assert found.startswith(line)
    assert "secret" not in found
    assert problems(tmp_path, **{**PRODUCTION, **settings, "ENVIRONMENT": "development"}) == ()


def test_all_unsafe_settings_are_refused_at_once(tmp_path: Path) -> None:
    settings = {name: value for changes, _ in REFUSED.values() for name, value in changes.items()}
    names = [line.partition(":")[0] for line in problems(tmp_path, **{**PRODUCTION, **settings})]
    assert names == ["ISSUER", "AUTH0_DOMAIN", "INTROSPECTION_URL", "DATABASE_URL"]


def test_settings_made_in_code_are_refused_too() -> None:
    with pytest.raises(SettingsError, match="ISSUER: must use https"):
        Settings(environment="production", issuer="http://localhost:3001/oauth2/default")


@pytest.mark.parametrize("table", ['issuer = "http://localhost:1/"', 'issuer = "Http://[::1]/x"'])
def test_http_issuer_of_the_file_is_refused(tmp_path: Path, table: str) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(f'[partner]\n{table}\naudience = "api"\n')
    (line,) = problems(tmp_path, **PRODUCTION, TRUSTED_ISSUERS_FILE=str(file))
    assert line.startswith("TRUSTED_ISSUERS_FILE: ")
    assert "must use https" in line


def test_http_keys_of_an_https_issuer_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(
        f'[partner]\nissuer = "{ISSUER}/p"\naudience = "a"\njwks_uri = "http://localhost/k"\n'
    )
    (line,) = problems(tmp_path, **PRODUCTION, TRUSTED_ISSUERS_FILE=str(file))
    assert "jwks_uri must be an https URL" in line


@pytest.mark.parametrize("name", ["ISSUER", "OKTA_OAUTH2_ISSUER"])
@pytest.mark.parametrize("value", [ISSUER, "http://localhost:3001/oauth2/default"])
def test_issuer_of_the_committed_file_is_refused(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"{name}={value}\n")
    (line,) = problems(tmp_path, ENVIRONMENT="production")
    assert line.startswith("ISSUER: is from .env, which is committed")
    assert problems(tmp_path) == ()


@pytest.mark.parametrize(
    "files",
    [
        {".env.local": f"ISSUER={ISSUER}"},
        {".okta.env": f'export OKTA_OAUTH2_ISSUER="{ISSUER}"'},
    ],
)
def test_issuer_of_another_file_or_of_the_environment_is_accepted(
    tmp_path: Path, files: dict[str, str]
) -> None:
    (tmp_path / ".env").write_text("ISSUER=http://localhost:3001/oauth2/default\n")
    assert problems(tmp_path, **PRODUCTION) == ()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert problems(tmp_path, ENVIRONMENT="production") == ()


def test_committed_environment_is_production_as_well(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ISSUER={ISSUER}\nENVIRONMENT=Production\n")
    (line,) = problems(tmp_path)
    assert line.startswith("ISSUER: is from .env")


def test_committed_settings_that_name_issuers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "issuers.toml").write_text(f'[p]\nissuer = "{ISSUER}/p"\naudience = "a"\n')
    (tmp_path / ".env").write_text(
        f"AUTH0_DOMAIN=example.auth0.com\nAUTH0_AUDIENCE=api\nAUDIENCE=api\nISSUER=\n"
        f"TRUSTED_ISSUERS_FILE={tmp_path}/issuers.toml\nINTROSPECTION_URL={ISSUER}/introspect\n"
        "INTROSPECTION_CLIENT_ID=id\nINTROSPECTION_CLIENT_SECRET=x\n"
    )
    names = [p.partition(":")[0] for p in problems(tmp_path, ENVIRONMENT="production")]
    assert names == ["AUTH0_DOMAIN", "TRUSTED_ISSUERS_FILE", "INTROSPECTION_URL"]


def test_issuer_set_by_the_process_is_not_committed(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ISSUER=http://localhost:3001/oauth2/default\n")
    try:
        set_process_layers(defaults={}, overrides={"ISSUER": ISSUER})
        assert problems(tmp_path, ENVIRONMENT="production") == ()
    finally:
        set_process_layers(defaults={}, overrides={})


@pytest.mark.parametrize("environment", ["development", "production"])
def test_unencrypted_database_decides_in_every_environment(
    tmp_path: Path, environment: str
) -> None:
    settings = {"ISSUER": ISSUER, "ENVIRONMENT": environment, "DATABASE_URL": REMOTE}
    assert problems(tmp_path, **settings, UNENCRYPTED_DATABASE="true") == ()
    (line,) = problems(tmp_path, **settings, UNENCRYPTED_DATABASE="False")
    assert line.startswith("DATABASE_URL: must name a server on this machine")
    encrypted = {**settings, "DATABASE_URL": f"{REMOTE}?sslmode=verify-full"}
    assert problems(tmp_path, **encrypted, UNENCRYPTED_DATABASE="false") == ()


@pytest.mark.parametrize("name", ["UNENCRYPTED_DATABASE", "PUBLIC_DOCS"])
def test_flag_is_true_or_false(tmp_path: Path, name: str) -> None:
    for value in ("yes", "1", "on"):
        (line,) = problems(tmp_path, ISSUER=ISSUER, **{name: value})
        assert line.startswith(f"{name}: must be true or false")
    assert problems(tmp_path, ISSUER=ISSUER, **{name: ""}) == ()


@pytest.mark.parametrize(
    ("environment", "setting", "is_public"),
    [
        ("development", None, True),
        ("production", None, False),
        ("development", False, False),
        ("production", True, True),
    ],
)
def test_docs_are_public_by_setting_or_in_development(
    environment: str,
    setting: Any,
    is_public: Any,
) -> None:
    settings = Settings(issuer=ISSUER, environment=environment, public_docs=setting)
    assert settings.has_public_docs is is_public
