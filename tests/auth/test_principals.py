"""The principal of a token: a client by a positive mark, otherwise a user; and its name."""

from typing import Any

import pytest

from encore.auth.principals import MAX_NAME, ClientMark, Naming, resolve_principal
from encore.errors import Forbidden
from encore.http.principal import Principal

ISSUER = "https://issuer.example"
ENTRA = ClientMark.parse("idtyp=app")
KEYCLOAK = ClientMark.parse("preferred_username=service-account-*")


def resolve(
    claims: dict[str, Any], naming: Naming | None = None, mark: ClientMark | None = None
) -> Principal:
    return resolve_principal(claims, ISSUER, naming or Naming(), mark)


@pytest.mark.parametrize(
    ("claims", "mark", "name"),
    [
        ({"sub": "job", "cid": "job"}, None, "job"),
        ({"sub": "job", "client_id": "job"}, None, "job"),
        ({"sub": "job@clients", "azp": "job"}, None, "job"),
        ({"sub": "x", "azp": "job", "gty": "client-credentials"}, None, "job"),
        ({"azp": "job", "gty": "client-credentials"}, None, "job"),
        ({"sub": "8f3e", "appid": "job", "idtyp": "app"}, ENTRA, "job"),
        ({"sub": "8f3e", "azp": "job", "machine": True}, ClientMark.parse("machine=true"), "job"),
        (
            {"sub": "8f3e", "azp": "job", "preferred_username": "service-account-job"},
            KEYCLOAK,
            "job",
        ),
    ],
    ids=str,
)
def test_token_with_a_mark_is_a_clients(
    claims: dict[str, Any], mark: ClientMark | None, name: str
) -> None:
    principal = resolve(claims, mark=mark)
    assert (principal.is_client, principal.name, principal.user) == (True, name, None)


@pytest.mark.parametrize(
    ("claims", "mark"),
    [
        ({"sub": "jane", "cid": "job"}, None),
        ({"sub": "jane"}, None),
        ({"sub": "other@clients", "azp": "job"}, None),
        ({"sub": "job@clients"}, None),
        ({"sub": "jane", "azp": "job", "gty": "password"}, None),
        ({"sub": "jane", "azp": "job", "gty": ["client-credentials"]}, None),
        ({"sub": "jane", "azp": "job", "idtyp": "user"}, ENTRA),
        ({"sub": "jane", "azp": "job", "idtyp": "app"}, None),
        ({"sub": "jane", "azp": "job", "idtyp": ["app"]}, ENTRA),
        ({"sub": "jane", "azp": "job", "machine": False}, ClientMark.parse("machine=true")),
        ({"sub": "jane", "azp": "job", "machine": 1}, ClientMark.parse("machine=true")),
        ({"sub": "jane", "azp": "job", "preferred_username": "my-service-account-job"}, KEYCLOAK),
        ({"sub": "jane", "azp": "job", "preferred_username": "service-account-jane"}, KEYCLOAK),
        ({"sub": "jane", "azp": "job", "preferred_username": "service-account-"}, KEYCLOAK),
        ({"sub": "jane", "preferred_username": "service-account-job"}, KEYCLOAK),
    ],
    ids=str,
)
def test_token_with_a_subject_and_no_mark_is_a_users(
    claims: dict[str, Any], mark: ClientMark | None
) -> None:
    principal = resolve(claims, mark=mark)
    assert (principal.is_client, principal.user) == (False, claims["sub"])


@pytest.mark.parametrize(
    "claims",
    [{}, {"cid": "job"}, {"azp": "job", "sub": ""}, {"gty": "client-credentials"}],
    ids=str,
)
def test_token_without_subject_and_mark_is_forbidden(claims: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match="neither a user nor a client") as raised:
        resolve(claims)
    assert raised.value.reason == "principal-unknown"


def test_same_subject_of_two_issuers_has_two_names() -> None:
    partner = Naming(prefix="partner:")
    assert resolve({"sub": "ada"}, Naming(reserved=("partner:",))).name == "ada"
    assert resolve({"sub": "ada"}, partner).name == "partner:ada"
    assert resolve({"sub": "job", "cid": "job"}, partner).name == "partner:job"


@pytest.mark.parametrize(
    ("naming", "value", "message"),
    [
        (Naming(reserved=("partner:",)), "partner:ada", "prefix of another issuer"),
        (Naming(reserved=("partner:",)), "PARTNER:ada", "prefix of another issuer"),
        (Naming(strip_prefix="auth0|", reserved=("partner:",)), "auth0|partner:ada", "of another"),
        (Naming(strip_prefix="auth0|"), "github|ada", "does not begin with auth0|"),
        (Naming(strip_prefix="auth0|"), "auth0|", "does not begin with auth0|"),
        (Naming(users={"x": "ada"}), "ada", "not among the named ones"),
        (Naming(clients={"job": "job"}), "ada", "not among the named ones"),
        (Naming(), "x" * (MAX_NAME + 1), "longer than 255"),
        (Naming(prefix="partner:"), "x" * MAX_NAME, "longer than 255"),
        (Naming(), "  ", "claim sub is missing"),
        (Naming(), "a\u200dda", r"claim sub must not contain U\+200D ZERO WIDTH JOINER"),
        (Naming(), "\u0430da", "claim sub must be in one script"),
        (Naming(), "ada ", "claim sub must not begin or end with a space"),
        (Naming(), "ada\x00", r"claim sub must not contain U\+0000"),
        (Naming("email"), "\uff41da", r"claim email must not contain U\+FF41 FULLWIDTH"),
        (Naming(strip_prefix="auth0|"), "auth0| ada", "must not begin or end with a space"),
        (Naming(prefix="partner:"), "a\u200dda", "must not contain"),
        (Naming(reserved=("partner:",)), "partner\ua789ada", "prefix of another issuer"),
        (Naming(reserved=("lan:",)), "Ian:ada", "prefix of another issuer"),
        (Naming(reserved=("mail:",)), "rnail:ada", "prefix of another issuer"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_user_whom_the_naming_excludes_has_no_name(
    naming: Naming, value: str, message: str
) -> None:
    principal = resolve({"sub": value, "cid": "web", "email": value}, naming)
    for attribute in ("name", "user"):
        with pytest.raises(Forbidden, match=message) as raised:
            getattr(principal, attribute)
        assert raised.value.reason == "claim-user"
    assert principal.subject == value


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"sub": "ada", "cid": "x" * (MAX_NAME + 1)}, "client id is longer than 255"),
        ({"sub": "ada", "cid": "a\x00b"}, r"client id must not contain U\+0000"),
        ({"sub": "ada", "azp": "a\nb"}, r"client id must not contain U\+000A"),
        ({"sub": "ada\x00", "cid": "web", "email": "ada"}, r"claim sub must not contain U\+0000"),
        ({"sub": "x\x00", "cid": "job", "gty": "client-credentials"}, "claim sub must not contain"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_caller_whose_claims_cannot_be_recorded_has_no_name(
    claims: dict[str, Any], message: str
) -> None:
    principal = resolve(claims, Naming("email" if "email" in claims else "sub"))
    with pytest.raises(Forbidden, match=message):
        _ = principal.name


@pytest.mark.parametrize("value", [7, None, ["jane"], ""], ids=str)
def test_user_claim_of_another_type_is_missing(value: Any) -> None:
    principal = resolve({"sub": "jane", "email": value}, Naming("email"))
    with pytest.raises(Forbidden, match="claim email is missing"):
        _ = principal.name


@pytest.mark.parametrize("verified", [False, "false", None, 1, ""], ids=str)
def test_user_of_an_unverified_email_has_no_name(verified: Any) -> None:
    claims = {"sub": "5f3c", "email": "ada@example.com", "email_verified": verified}
    with pytest.raises(Forbidden, match="email_verified is not true"):
        _ = resolve(claims, Naming("email")).name
    with pytest.raises(Forbidden, match="email_verified is not true"):
        _ = resolve(claims, Naming("email", users={"ada@example.com": "ada"})).name
    assert resolve(claims).name == "5f3c"


@pytest.mark.parametrize("verified", [{}, {"email_verified": True}, {"email_verified": "true"}])
def test_user_of_an_email_that_is_not_said_to_be_unverified_has_its_name(
    verified: dict[str, Any],
) -> None:
    claims = {"sub": "5f3c", "email": "ada@example.com", **verified}
    assert resolve(claims, Naming("email")).name == "ada@example.com"


def test_stripped_prefix_names_both_shapes_of_one_person_alike() -> None:
    assert resolve({"sub": "auth0|ada"}, Naming(strip_prefix="auth0|")).name == "ada"


def test_mapping_names_users_and_clients_apart() -> None:
    naming = Naming(users={"job": "ada"}, clients={"job": "importer"})
    assert resolve({"sub": "job", "cid": "web"}, naming).name == "ada"
    assert resolve({"sub": "job", "cid": "job"}, naming).name == "importer"


def test_mapping_with_a_prefix_names_the_others_too() -> None:
    naming = Naming(prefix="partner:", users={"x": "ada"})
    assert [resolve({"sub": sub}, naming).name for sub in ("x", "y")] == ["ada", "partner:y"]


@pytest.mark.parametrize(
    "text",
    [
        *("idtyp", "=app", "idtyp=", "idtyp=*", "a=b*c", "a=*b*"),
        *("idtyp = app", "idtyp= app", "idtyp=app gty=x", "idtyp=app ", ""),
    ],
)
def test_invalid_client_mark_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="one claim=value"):
        ClientMark.parse(text)


@pytest.mark.parametrize("value", ["山田太郎", "O'Brien", "auth0|5f7c", "ada@example.com", "Зоя"])
def test_name_is_the_value_of_the_claim(value: str) -> None:
    assert resolve({"sub": value, "cid": "web"}).name == value
    assert resolve({"sub": value, "cid": "web"}, Naming(prefix="p:")).name == f"p:{value}"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"prefix": "p\u0430rtner:"}, "user_prefix must be in one script"),
        ({"prefix": " partner:"}, "user_prefix must not begin or end with a space"),
        ({"users": {"5f3c": "a\u200dda"}}, r"names of users and clients must not contain U\+200D"),
        ({"clients": {"job": "job "}}, "names of users and clients must not begin or end"),
    ],
)
def test_naming_with_odd_names_is_invalid(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Naming(**attributes)
