"""Bearer authentication over HTTP: statuses, challenges and messages of rejected requests."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from encore.auth import BearerAuthMiddleware
from encore.http.access import AUTHENTICATED, PUBLIC, Access

pytestmark = pytest.mark.anyio

BARE = "Bearer"
INVALID_REQUEST = 'Bearer error="invalid_request"'
INVALID_TOKEN = 'Bearer error="invalid_token"'
SCOPE = 'Bearer error="insufficient_scope", scope="items"'

NO_HEADER = "You must send an Authorization header"
NOT_BEARER = "Expected a Bearer token"
NOT_PARSED = "Jwt cannot be parsed"
NOT_VALID = "Jwt is not valid"

INVALID_HEADERS = [
    ((), 401, BARE, NO_HEADER),
    ((b"",), 401, BARE, NO_HEADER),
    ((b"  ",), 401, BARE, NO_HEADER),
    ((b"Basic asdf:1234",), 401, BARE, NOT_BEARER),
    ((b"asdf",), 401, BARE, NOT_BEARER),
    ((b"Bearerx asdf",), 401, BARE, NOT_BEARER),
    ((b"\xff\xfe",), 401, BARE, NOT_BEARER),
    ((b"Basic " + b"x" * 5_000_000,), 401, BARE, NOT_BEARER),
    ((b"Bearer asdf",), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"bEARER   asdf",), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer asdf==",), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer a.b.c.d.e",), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer ..",), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer " + b"x" * 16_385,), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer " + b"x" * 5_000_000,), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer " + b", " * 2_500_000,), 401, INVALID_TOKEN, NOT_PARSED),
    ((b"Bearer",), 400, INVALID_REQUEST, None),
    ((b"Bearer asdf asdf",), 400, INVALID_REQUEST, None),
    ((b"Bearer\tasdf",), 400, INVALID_REQUEST, None),
    ((b"Bearer asdf,",), 400, INVALID_REQUEST, None),
    ((b"Bearer, asdf",), 400, INVALID_REQUEST, None),
    ((b'Bearer "asdf"',), 400, INVALID_REQUEST, None),
    ((b"Bearer =asdf",), 400, INVALID_REQUEST, None),
    ((b"Bearer a=.b.c",), 400, INVALID_REQUEST, None),
    ((b"Bearer as\xc3\xa9f",), 400, INVALID_REQUEST, None),
    ((b"Bearer asdf", b"Bearer asdf"), 400, INVALID_REQUEST, None),
    ((b"Basic asdf", b"Bearer asdf"), 400, INVALID_REQUEST, None),
]


def _assert_error(response: Any, status: int, challenge: str | None, message: str | None) -> None:
    assert response.status_code == status
    challenges = response.headers.get_list("www-authenticate")
    assert challenges == ([] if challenge is None else [challenge])
    assert response.headers["cache-control"] == "no-store"
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"] == problem["message"]
    assert problem["request_id"] == "request-1"
    if message is not None:
        assert problem["detail"] == message


@pytest.mark.parametrize(("headers", "status", "challenge", "message"), INVALID_HEADERS)
async def test_missing_or_malformed_authorization_header_is_rejected(
    service: Any, signer: Any, *, headers: Any, status: int, challenge: str, message: str | None
) -> None:
    _assert_error(await service.get(*headers), status, challenge, message)
    assert not service.reached
    assert service.errors[0].reason != service.errors[0].slug
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


INVALID_TOKENS = [
    ({"alg": "none"}, {}, "algorithm-not-trusted"),
    ({"alg": "HS256"}, {}, "algorithm-not-trusted"),
    ({"alg": "RS512"}, {}, "algorithm-not-trusted"),
    ({"alg": "rs256"}, {}, "algorithm-not-trusted"),
    ({"alg": ...}, {}, "header-alg"),
    ({"alg": ["RS256"]}, {}, "header-alg"),
    ({"kid": ""}, {}, "header-kid"),
    ({"kid": 1}, {}, "header-kid"),
    ({"kid": None}, {}, "header-kid"),
    ({"kid": "other"}, {}, "key-unknown"),
    ({"typ": "JWE"}, {}, "header-typ"),
    ({"typ": ""}, {}, "header-typ"),
    ({"typ": None}, {}, "header-typ"),
    ({"typ": "dpop+jwt"}, {}, "header-typ"),
    ({"crit": ["exp"]}, {}, "header-member-refused"),
    ({"crit": []}, {}, "header-member-refused"),
    ({"b64": True}, {}, "header-member-refused"),
    ({"jwk": {}}, {}, "header-member-refused"),
    ({"jku": "https://evil.example"}, {}, "header-member-refused"),
    ({"x5u": "https://evil.example"}, {}, "header-member-refused"),
    ({"x5c": []}, {}, "header-member-refused"),
    ({}, {"iss": ...}, "issuer-unknown"),
    ({}, {"iss": None}, "issuer-unknown"),
    ({}, {"iss": ["https://issuer.example/oauth2/default"]}, "issuer-unknown"),
    ({}, {"iss": "https://issuer.example/oauth2/default/"}, "issuer-unknown"),
    ({}, {"iss": "https://evil.example"}, "issuer-unknown"),
    ({}, {"aud": ...}, "claim-aud"),
    ({}, {"aud": None}, "claim-aud"),
    ({}, {"aud": []}, "claim-aud"),
    ({}, {"aud": {"api://default": 1}}, "claim-aud"),
    ({}, {"aud": ["api://default", 1]}, "claim-aud"),
    ({}, {"aud": "api://default/"}, "claim-aud"),
    ({}, {"aud": "api://defaul"}, "claim-aud"),
    ({}, {"exp": ...}, "claim-exp"),
    ({}, {"exp": None}, "claim-exp"),
    ({}, {"exp": []}, "claim-exp"),
    ({}, {"exp": True}, "claim-exp"),
    ({}, {"exp": "1800000000"}, "claim-exp"),
    ({}, {"exp": 10**4000}, "claim-exp"),
    ({}, {"nbf": 1_700_000_006}, "token-not-yet-valid"),
    ({}, {"nbf": None}, "claim-nbf"),
    ({}, {"nbf": "0"}, "claim-nbf"),
    ({}, {"iat": 1_700_000_006}, "token-not-yet-valid"),
    ({}, {"iat": []}, "claim-iat"),
    ({}, {"sub": 7}, "claim-sub"),
    ({}, {"jti": ["AT.1"]}, "claim-jti"),
    ({}, {"cid": None}, "claim-cid"),
]


@pytest.mark.parametrize(("header", "claims", "reason"), INVALID_TOKENS)
async def test_invalid_header_or_claim_is_401_with_a_generic_message(
    service: Any, signer: Any, header: Any, claims: Any, reason: str
) -> None:
    token = signer.token(header, **claims)
    response = await service.get(b"Bearer " + token)
    _assert_error(response, 401, INVALID_TOKEN, NOT_VALID)
    assert service.errors[0].reason == reason
    assert reason not in response.text
    assert token.decode() not in response.text + str(response.headers)
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


def _deeply_nested(signer: Any, encode: Any) -> bytes:
    header = b'{"alg":"RS256","kid":"key-1","x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    return bytes(encode(header) + b"." + encode(signer.claims()) + b"." + encode(b"x"))


def _payload(signer: Any, extra: bytes) -> bytes:
    claims = json.dumps(signer.claims()).encode()
    return bytes(signer.sign(signer.header(), claims[:-1] + extra + b"}"))


MALFORMED_TOKENS: dict[str, Callable[[Any, Any], bytes]] = {
    "padding": lambda s, _: s.token() + b"=",
    "standard alphabet": lambda s, _: s.token().rsplit(b".", 1)[0] + b".ab+/",
    "foreign character": lambda s, _: s.token() + b"~",
    "stray last bits": lambda s, e: s.token().rsplit(b".", 1)[0] + b"." + e(b"x")[:-1] + b"B",
    "one character left over": lambda s, _: s.token().rsplit(b".", 1)[0] + b".abcde",
    "two segments": lambda s, _: s.token().rsplit(b".", 1)[0],
    "four segments": lambda s, _: s.token() + b".",
    "empty header": lambda s, _: b"." + s.token().split(b".", 1)[1],
    "header a list": lambda s, _: s.sign([], s.claims()),
    "header nests deep": _deeply_nested,
    "payload a string": lambda s, _: s.sign(s.header(), "claims"),
    "payload not UTF-8": lambda s, _: s.sign(s.header(), b'{"a":"\xff"}'),
    "payload UTF-16": lambda s, _: s.sign(s.header(), json.dumps(s.claims()).encode("utf-16")),
    "payload with a BOM": lambda s, _: s.sign(
        s.header(), b"\xef\xbb\xbf" + json.dumps(s.claims()).encode()
    ),
    "NaN": lambda s, _: _payload(s, b',"n":NaN'),
    "Infinity": lambda s, _: _payload(s, b',"n":-Infinity'),
    "overflowing number": lambda s, _: _payload(s, b',"n":1e999'),
    "huge integer": lambda s, _: _payload(s, b',"n":' + b"1" * 5000),
    "lone surrogate": lambda s, _: _payload(s, b',"n":"\\ud800"'),
    "nests 17 deep": lambda s, _: _payload(s, b',"n":' + b"[" * 17 + b"]" * 17),
    "duplicate claim": lambda s, _: _payload(s, b',"aud":"api://default"'),
    "duplicate header": lambda s, _: s.sign(
        b'{"alg":"none","alg":"RS256","kid":"key-1"}', s.claims()
    ),
}


@pytest.mark.parametrize("case", MALFORMED_TOKENS)
async def test_malformed_jwt_is_rejected(service: Any, signer: Any, encode: Any, case: str) -> None:
    token = MALFORMED_TOKENS[case](signer, encode)
    _assert_error(await service.get(b"Bearer " + token), 401, INVALID_TOKEN, NOT_PARSED)
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


async def test_token_signed_by_another_key_is_rejected(service: Any, forger: Any) -> None:
    _assert_error(await service.get(b"Bearer " + forger.token()), 401, INVALID_TOKEN, NOT_VALID)
    assert service.errors[0].reason == "signature"


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_token_with_one_segment_of_another_token_is_rejected(
    service: Any, signer: Any, part: int
) -> None:
    segments = signer.token().split(b".")
    segments[part] = signer.token({"typ": "JWT"}, jti="AT.2").split(b".")[part]
    _assert_error(
        await service.get(b"Bearer " + b".".join(segments)), 401, INVALID_TOKEN, NOT_VALID
    )


async def test_forged_expired_token_is_not_reported_as_expired(service: Any, forger: Any) -> None:
    response = await service.get(b"Bearer " + forger.token(exp=1))
    _assert_error(response, 401, INVALID_TOKEN, NOT_VALID)


async def test_expired_token_is_reported_as_expired(service: Any, signer: Any) -> None:
    response = await service.get(b"Bearer " + signer.token(exp=1_699_999_995))
    _assert_error(response, 401, INVALID_TOKEN, "Jwt is expired")


async def test_clock_skew_is_tolerated(service: Any, signer: Any) -> None:
    token = signer.token(exp=1_699_999_996, nbf=1_700_000_005, iat=1_700_000_005)
    assert (await service.get(b"Bearer " + token)).status_code == 200


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", ...])
async def test_typ_of_access_tokens_is_case_insensitive(
    service: Any, signer: Any, typ: Any
) -> None:
    assert (await service.get(b"Bearer " + signer.token({"typ": typ}))).status_code == 200


@pytest.mark.parametrize("headers", [b"bearer ", b"BEARER ", b"Bearer    "])
async def test_bearer_scheme_is_case_insensitive(service: Any, signer: Any, headers: bytes) -> None:
    assert (await service.get(headers + signer.token() + b" ")).status_code == 200


@pytest.mark.parametrize(
    "query", ["?access_token=a", "?x=1&access_token", "?access%5Ftoken=a", "?%61ccess_token="]
)
async def test_second_token_in_the_query_is_400(service: Any, signer: Any, query: str) -> None:
    response = await service.get(b"Bearer " + signer.token(), query=query)
    _assert_error(response, 400, INVALID_REQUEST, None)


@pytest.mark.parametrize("query", ["?q=access_token", "?my_access_token=1", "?name=%20x&a=%zz"])
async def test_query_without_access_token_parameter_is_accepted(
    service: Any, signer: Any, query: str
) -> None:
    response = await service.get(b"Bearer " + signer.token(), query=query)
    assert response.status_code == 200


async def test_token_only_in_the_query_is_401(service: Any, signer: Any) -> None:
    response = await service.get(query="?access_token=" + signer.token().decode())
    _assert_error(response, 401, BARE, NO_HEADER)


OTHER_SCOPES: list[Any] = [
    ...,
    [],
    "",
    ["parts"],
    ["items2"],
    ["x items"],
    "items2 x",
    "items\tx",
    "Parts_Manager",
    None,
    1,
    {"items": 1},
    ["items", 1],
]


@pytest.mark.parametrize("scp", OTHER_SCOPES)
async def test_valid_token_without_the_exact_scope_is_403(
    service: Any, signer: Any, scp: Any
) -> None:
    response = await service.get(b"Bearer " + signer.token(scp=scp))
    _assert_error(response, 403, SCOPE, "Could not verify the proper scope")
    assert response.json()["title"] == "Forbidden"


@pytest.mark.parametrize(
    ("access", "scp", "status"),
    [
        (Access(all_of=("a", "b")), ["b", "a"], 200),
        (Access(all_of=("a", "b")), ["a"], 403),
        (Access(any_of=("a", "b")), ["b"], 200),
        (Access(any_of=("a", "b")), ["c"], 403),
        (Access(all_of=("a",), any_of=("b", "c")), ["a", "c"], 200),
        (Access(all_of=("a",), any_of=("b", "c")), ["b", "c"], 403),
        (Access(all_of=("a",), any_of=("b", "c")), ["a"], 403),
        (AUTHENTICATED, [], 200),
        (AUTHENTICATED, None, 200),
    ],
)
async def test_access_requires_all_scopes_and_one_of_the_alternatives(
    service: Any, signer: Any, access: Access, scp: Any, status: int
) -> None:
    service.access = access
    assert (await service.get(b"Bearer " + signer.token(scp=scp))).status_code == status


async def test_challenge_names_sufficient_scopes(service: Any, signer: Any) -> None:
    service.access = Access(all_of=("a",), any_of=("b", "c"))
    response = await service.get(b"Bearer " + signer.token())
    expected = 'Bearer error="insufficient_scope", scope="a b"'
    assert response.headers["www-authenticate"] == expected


async def test_public_operation_ignores_the_authorization_header(service: Any) -> None:
    service.access = PUBLIC
    assert (await service.get()).status_code == 200
    assert (await service.get(b"Bearer asdf")).status_code == 200


async def test_request_state_holds_client_and_claims(service: Any, signer: Any) -> None:
    await service.get(b"Bearer " + signer.token())
    assert service.reached[0].client_id == "client-1"
    assert service.reached[0].claims["jti"] == "AT.1"


@pytest.mark.parametrize("name", ["cid", "client_id", "azp"])
async def test_client_id_is_read_from_the_claim_of_each_vendor(
    service: Any, signer: Any, name: str
) -> None:
    await service.get(b"Bearer " + signer.token(**{"cid": ..., name: "someone"}))
    assert service.reached[0].client_id == "someone"


async def test_challenge_contains_the_resource_metadata_url(
    make_service: Any, make_verifier: Any
) -> None:
    metadata_url = "https://api.example/.well-known/oauth-protected-resource"
    service = make_service(make_verifier(), resource_metadata=metadata_url)
    for headers, begin in [((), "Bearer "), ((b"Bearer x",), INVALID_TOKEN + ", ")]:
        response = await service.get(*headers)
        expected = f'{begin}resource_metadata="{metadata_url}"'
        assert response.headers.get_list("www-authenticate") == [expected]


@pytest.mark.parametrize("url", ["http://api.example", 'https://a.example/"', "https://a\r\nb", ""])
def test_invalid_resource_metadata_url_is_rejected_at_startup(
    make_verifier: Any, service: Any, url: str
) -> None:
    with pytest.raises(ValueError, match="resource_metadata"):
        BearerAuthMiddleware(service, make_verifier(), resource_metadata=url)


async def test_unavailable_keys_are_503_with_retry_after(
    service: Any, signer: Any, fake_issuer: Any
) -> None:
    fake_issuer.documents.clear()
    response = await service.get(b"Bearer " + signer.token())
    _assert_error(response, 503, None, None)
    assert response.headers["retry-after"] == "1"


async def test_lifespan_is_passed_on_and_websocket_is_closed(make_verifier: Any) -> None:
    reached, sent = [], []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    middleware = BearerAuthMiddleware(app, make_verifier())
    for type_ in ("lifespan", "websocket"):
        await middleware({"type": type_}, receive, send)
    assert reached == ["lifespan"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_request_without_request_state_is_rejected(make_verifier: Any) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    middleware = BearerAuthMiddleware(never, make_verifier())
    with pytest.raises(RuntimeError, match="must be inside an encore Application"):
        await middleware({"type": "http", "headers": [], "query_string": b""}, never, never)
