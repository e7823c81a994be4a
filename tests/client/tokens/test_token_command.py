"""``token`` and ``logout``: the token alone on stdout, from the cache, renewed, decoded."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from tests.client.conftest import SECRET, FakeServer, Run


def test_token_is_printed_alone_and_kept_for_the_next_command(run: Run) -> None:
    first, second = run("token"), run("token")
    assert jwt.get_unverified_claims(first.out.strip())["scp"] == ["parts_manager"]
    assert (first.code, first.err) == (0, "")
    assert second == first


@pytest.mark.parametrize(
    "setting",
    [{"SCOPE": "other"}, {"CLIENT_SECRET": SECRET + "x"}, {"AUDIENCE": "other"}],
)
def test_token_of_other_settings_is_not_used(run: Run, setting: dict[str, str]) -> None:
    first = run("token").out
    second = run("token", **setting)
    assert second.out != first
    assert second.code == (6 if "CLIENT_SECRET" in setting else 0)


def test_renewed_token_replaces_the_cached_one(run: Run) -> None:
    first = run("token").out
    renewed = run("token", "--renew").out
    assert renewed not in {first, ""}
    assert run("token").out == renewed


def test_token_in_the_environment_wins_and_is_not_kept(run: Run) -> None:
    assert run("token", TOKEN="mine.is-this~", ISSUER=None) == (0, "mine.is-this~\n", "")
    assert not (run.directory / "state").exists()
    assert "." in run("token", TOKEN="").out


@pytest.mark.parametrize(
    ("token", "words"), [("Bearer a.b.c", "without the word Bearer"), ("a b", "cannot have")]
)
def test_malformed_token_in_the_environment_is_refused(run: Run, token: str, words: str) -> None:
    result = run("token", TOKEN=token)
    assert (result.code, result.out) == (11, "")
    assert words in result.err
    assert token not in result.err


def test_token_in_a_file_is_not_read(run: Run) -> None:
    (run.directory / ".env").write_text("TOKEN=stranger\n")
    assert run("token").out.count(".") == 2


@pytest.mark.parametrize("slash", ["", "/"], ids=["okta", "auth0"])
@pytest.mark.parametrize("option", ["--verbose", "--json-errors"])
def test_secret_that_the_issuer_repeats_is_hidden_however_it_is_spelled(
    run: Run, api: Any, slash: str, option: str
) -> None:
    secret = 'se/c +r"et'
    repeated = [secret, "se%2Fc%20%2Br%22et", "se%2Fc+%2Br%22et", "ZGV2OnNlL2MgK3IiZXQ="]
    api.respond(401, {"error": "x", "error_description": json.dumps(repeated)})
    variables = {"ISSUER": f"{api.url}{slash}", "CLIENT_SECRET": secret}
    result = run(f"{api.url}/p", option, **variables)
    assert result.code == 6
    for spelling in [*repeated, 'se/c +r\\"et']:
        assert spelling not in result.err + result.out


def test_renewal_of_a_token_in_the_environment_is_refused(run: Run) -> None:
    result = run("token", "--renew", TOKEN="a")
    assert (result.code, result.out) == (1, "")
    assert "cannot be renewed" in result.err


def test_decoded_token_is_json_and_its_times_are_in_words(run: Run) -> None:
    token = run("token").out.strip()
    result = run("token", "--decode")
    assert json.loads(result.out) == {
        "header": jwt.get_unverified_header(token),
        "claims": jwt.get_unverified_claims(token),
    }
    assert "not verified" in result.err
    assert "expires 20" in result.err
    assert "Z: in 60 minutes" in result.err or "in 1 hour" in result.err


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("opaque", "opaque, not a JWT"),
        ("a.b.c.d.e", "encrypted"),
        ("a.b.c", "is not a JWT"),
        ("..", "is not a JWT"),
        ("W10.W10.x", "is not a JWT"),
        ("eyJhIjpOYU59.e30.x", "is not a JWT"),
        ("_w.e30.", "is not a JWT"),
    ],
)
def test_token_that_is_not_a_jwt_is_not_decoded(run: Run, token: str, words: str) -> None:
    if token.startswith("."):
        token = "a" + token
    result = run("token", "--decode", TOKEN=token)
    assert (result.code, result.out) == (9, "")
    assert words in result.err


def test_odd_times_are_passed_over(run: Run) -> None:
    claims = {"exp": "soon", "iat": True, "nbf": 1e400, "auth_time": time.time() - 86_400 * 3}
    token = jwt.encode({**claims, "nbf": 10**30}, "k")
    result = run("token", "--decode", TOKEN=token)
    assert result.code == 0
    assert "3 days ago" in result.err
    assert result.err.count("\n") == 2


def test_cached_token_that_the_api_rejects_is_renewed_once(run: Run, api: FakeServer) -> None:
    cached = run("token").out.strip()
    api.respond(401, {"title": "Invalid"})
    assert run(api.url).code == 0
    first, second = (request.token.removeprefix("Bearer ") for request in api.requests)
    assert first == cached != second
    assert run("token").out.strip() == second
    for _ in range(2):
        api.respond(401, {"title": "Invalid"})
    assert run(api.url).code == 7
    assert len(api.requests) == 4


def test_token_in_the_environment_that_the_api_rejects_is_named(run: Run, api: FakeServer) -> None:
    api.respond(401, {"title": "Invalid"})
    result = run(api.url, TOKEN="mine")
    assert result.code == 7
    assert "TOKEN" in result.err
    assert len(api.requests) == 1


def test_logout_removes_the_tokens_of_the_issuer(run: Run) -> None:
    first = run("token").out
    assert run("logout", ISSUER="http://localhost:1/other").err == "0 cached tokens removed.\n"
    assert run("token").out == first
    assert run("logout").err == "1 cached token removed.\n"
    assert run("token").out != first
    assert "ISSUER is not set" in run("logout", ISSUER=None).err
    assert run("logout", "--all", ISSUER=None).err == "1 cached token removed.\n"
    assert tokens_in(run.directory) == []


@pytest.mark.parametrize("argv", [("token", "x"), ("logout", "--everything"), ("token", "--dec")])
def test_unknown_arguments_are_refused(run: Run, argv: tuple[str, ...]) -> None:
    assert run(*argv).code == 1


@pytest.mark.parametrize("word", ["token", "logout"])
def test_help_is_printed(run: Run, word: str) -> None:
    assert f"python -m client {word}" in run(word, "--help").out


def tokens_in(directory: Path) -> list[Any]:
    return sorted((directory / "state/encore/tokens").glob("*.json"))
