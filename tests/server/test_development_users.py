"""The users of DEVELOPMENT_USERS_FILE, and what ``encore dev`` tells its issuer of the service."""

from pathlib import Path

import pytest

from api.app import create_service
from encore import Service
from encore.errors import SettingsError
from encore.issuer import IssuerSettings
from encore.issuer.users import DEFAULT_USERS
from encore.server.development import _complete
from encore.server.development_logins import public_clients
from encore.server.development_users import FILE, read_users
from encore.settings import Settings

ISSUER = "http://localhost:3001/oauth2/default"


@pytest.fixture
def own() -> IssuerSettings:
    return IssuerSettings(
        issuer=ISSUER,
        audience="x",
        clients={"a": "b"},
        default_scopes=(),
        public_clients=public_clients(3000),
    )


@pytest.mark.parametrize("value", [None, "", " "])
def test_without_a_file_there_are_two_users_with_every_scope(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_users({} if value is None else {FILE: value}) == DEFAULT_USERS
    assert all(user.allows("anything") for user in DEFAULT_USERS)


def test_users_of_the_file_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    file.write_text(
        '[zoe]\n[ada]\ndescription = "d"\nscopes = ["a"]\nclaims = { email = "e", level = 3 }\n'
    )
    zoe, ada = read_users({FILE: str(file)})
    assert (zoe.name, zoe.scopes, zoe.allows("anything")) == ("zoe", None, True)
    assert (ada.name, ada.description) == ("ada", "d")
    assert ada.claims == {"email": "e", "level": 3}
    assert (ada.allows("a"), ada.allows("b"), ada.allows("openid")) == (True, False, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[ada", "cannot be read"),
        ("", "must have a user"),
        ("ada = 1", "ada is outside of a table; begin with [ada]"),
        ("[ada]\nscope = []", "unknown key scope; did you mean scopes?"),
        ("[ada]\nscopes = 'a'", "scopes must be an array of strings"),
        ("[ada]\nscopes = [1]", "scopes must be an array of strings"),
        ("[ada]\nscopes = ['a b']", "A scope of 'ada' is invalid: 'a b'."),
        ("[ada]\nscopes = ['']", "A scope of 'ada' is invalid: ''."),
        ("[ada]\ndescription = 1", "description must be a string"),
        ("[ada]\nclaims = []", "claims must be a table"),
        ("[ada]\nclaims = { born = 1815-12-10 }", "claims must be of JSON"),
        ("[ada]\nclaims = { x = [nan] }", "claims must be of JSON"),
        ("[ada]\nclaims = { sub = 'b' }", "The claim sub of 'ada' is the issuer's."),
        ("['']", "The name of a user is invalid"),
        ("[' ada']", "The name of a user is invalid"),
    ],
)
def test_invalid_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "users.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_users({FILE: str(file)})
    assert str(raised.value).startswith(f"{FILE}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="absent"):
        read_users({FILE: "absent.toml"})


def test_issuer_is_told_the_scopes_of_the_service_in_words(own: IssuerSettings) -> None:
    service = create_service()
    completed = _complete(own, service)
    assert set(completed.scope_descriptions) == service.scopes() == set(completed.default_scopes)


def test_issuer_is_told_the_url_of_the_service(own: IssuerSettings) -> None:
    url = "http://localhost:3000"
    settings = Settings(issuer=ISSUER, resource_url=url)
    assert list(_complete(own, Service(settings)).resources) == [url]
    assert list(_complete(own, Service(Settings(issuer=ISSUER))).resources) == []
