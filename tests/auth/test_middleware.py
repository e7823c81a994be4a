"""The gate from outside: a table of what is refused, with which status, challenge and words."""

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

CREDENTIALS = [
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


def _refused(response: Any, status: int, challenge: str | None, words: str | None) -> None:
    assert response.status_code == status
    found = response.headers.get_list("www-authenticate")
    assert found == ([] if challenge is None else [challenge])
    assert response.headers["cache-control"] == "no-store"
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"] == problem["message"]
    assert problem["request_id"] == "request-1"
    if words is not None:
        assert problem["detail"] == words


@pytest.mark.parametrize(("sent", "status", "challenge", "words"), CREDENTIALS)
async def test_each_way_of_sending_no_token_has_its_answer(
    service: Any, signer: Any, *, sent: Any, status: int, challenge: str, words: str | None
) -> None:
    _refused(await service.get(*sent), status, challenge, words)
    assert not service.reached
    assert service.unsupported_events[0].reason != service.unsupported_events[0].slug
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


FORGED = [
    ({"alg": "none"}, {}, "algorithm-not-trusted"),
    ({"alg": "HS256"}, {}, "algorithm-not-trusted"),
    ({"alg": "RS512"}, {}, "algorithm-not-trusted"),
    ({"alg": "rs256"}, {}, "algorithm-not-trusted"),
    ({"alg": ...}, {}, "header-alg"),
    ({"alg": ["RS256"]}, {}, "header-alg"),
    ({"kid": ...}, {}, "header-kid"),
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


@pytest.mark.parametrize(("header", "claims", "reason"), FORGED)
async def test_each_wrong_header_or_claim_is_refused_in_one_neutral_sentence(
    service: Any, signer: Any, header: Any, claims: Any, reason: str
) -> None:
    token = signer.token(header, **claims)
    response = await service.get(b"Bearer " + token)
    _refused(response, 401, INVALID_TOKEN, NOT_VALID)
    assert service.unsupported_events[0].reason == reason
    assert reason not in response.text
    assert token.decode() not in response.text + str(response.headers)
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


def _deep(signer: Any, encode: Any) -> bytes:
    header = b'{"alg":"RS256","kid":"key-1","x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    return bytes(encode(header) + b"." + encode(signer.claims()) + b"." + encode(b"x"))


def _payload(signer: Any, text: bytes) -> bytes:
    claims = json.dumps(signer.claims()).encode()
    return bytes(signer.sign(signer.header(), claims[:-1] + text + b"}"))


ENCODINGS: dict[str, Callable[[Any, Any], bytes]] = {
    "padding": lambda s, _: s.token() + b"=",
    "standard alphabet": lambda s, _: s.token().rsplit(b".", 1)[0] + b".ab+/",
    "foreign character": lambda s, _: s.token() + b"~",
    "stray last bits": lambda s, e: s.token().rsplit(b".", 1)[0] + b"." + e(b"x")[:-1] + b"B",
    "one character left over": lambda s, _: s.token().rsplit(b".", 1)[0] + b".abcde",
    "two segments": lambda s, _: s.token().rsplit(b".", 1)[0],
    "four segments": lambda s, _: s.token() + b".",
    "empty header": lambda s, _: b"." + s.token().split(b".", 1)[1],
    "header a list": lambda s, _: s.sign([], s.claims()),
    "header nests deep": _deep,
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


@pytest.mark.parametrize("case", ENCODINGS)
async def test_what_is_not_strictly_a_jwt_cannot_be_parsed(
    service: Any, signer: Any, encode: Any, case: str
) -> None:
    token = ENCODINGS[case](signer, encode)
    _refused(await service.get(b"Bearer " + token), 401, INVALID_TOKEN, NOT_PARSED)
    assert (await service.get(b"Bearer " + signer.token())).status_code == 200


async def test_a_token_that_another_key_signed_is_refused(service: Any, forger: Any) -> None:
    _refused(await service.get(b"Bearer " + forger.token()), 401, INVALID_TOKEN, NOT_VALID)
    assert service.unsupported_events[0].reason == "signature"


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_token_with_one_part_of_another_is_refused(
    service: Any, signer: Any, part: int
) -> None:
    one = signer.token().split(b".")
    one[part] = signer.token({"typ": "JWT"}, jti="AT.2").split(b".")[part]
    _refused(await service.get(b"Bearer " + b".".join(one)), 401, INVALID_TOKEN, NOT_VALID)


async def test_a_forger_is_not_told_that_his_token_is_expired(service: Any, forger: Any) -> None:
    response = await service.get(b"Bearer " + forger.token(exp=1))
    _refused(response, 401, INVALID_TOKEN, NOT_VALID)


async def test_an_expired_token_is_named_so(service: Any, signer: Any) -> None:
    response = await service.get(b"Bearer " + signer.token(exp=1_699_999_995))
    _refused(response, 401, INVALID_TOKEN, "Jwt is expired")


async def test_the_skew_tolerates_an_expiry_just_past(service: Any, signer: Any) -> None:
    token = signer.token(exp=1_699_999_996, nbf=1_700_000_005, iat=1_700_000_005)
    assert (await service.get(b"Bearer " + token)).status_code == 200


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", ...])
async def test_both_types_of_access_token_pass_in_any_case(
    service: Any, signer: Any, typ: Any
) -> None:
    assert (await service.get(b"Bearer " + signer.token({"typ": typ}))).status_code == 200


@pytest.mark.parametrize("sent", [b"bearer ", b"BEARER ", b"Bearer    "])
async def test_the_scheme_is_read_in_any_case(service: Any, signer: Any, sent: bytes) -> None:
    assert (await service.get(sent + signer.token() + b" ")).status_code == 200


@pytest.mark.parametrize(
    "query", ["?access_token=a", "?x=1&access_token", "?access%5Ftoken=a", "?%61ccess_token="]
)
async def test_a_second_token_in_the_query_is_an_invalid_request(
    service: Any, signer: Any, query: str
) -> None:
    response = await service.get(b"Bearer " + signer.token(), query=query)
    _refused(response, 400, INVALID_REQUEST, None)


@pytest.mark.parametrize("query", ["?q=access_token", "?my_access_token=1", "?name=%20x&a=%zz"])
async def test_other_queries_do_not_disturb(service: Any, signer: Any, query: str) -> None:
    response = await service.get(b"Bearer " + signer.token(), query=query)
    assert response.status_code == 200


async def test_a_token_in_the_query_alone_does_not_count(service: Any, signer: Any) -> None:
    response = await service.get(query="?access_token=" + signer.token().decode())
    _refused(response, 401, BARE, NO_HEADER)


NOT_THE_SCOPE: list[Any] = [
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


@pytest.mark.parametrize("scp", NOT_THE_SCOPE)
async def test_a_valid_token_without_the_exact_scope_is_forbidden(
    service: Any, signer: Any, scp: Any
) -> None:
    response = await service.get(b"Bearer " + signer.token(scp=scp))
    _refused(response, 403, SCOPE, "Could not verify the proper scope")
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
async def test_an_operation_gets_all_of_its_scopes_and_one_of_the_alternatives(
    service: Any, signer: Any, access: Access, scp: Any, status: int
) -> None:
    service.access = access
    assert (await service.get(b"Bearer " + signer.token(scp=scp))).status_code == status


async def test_the_challenge_names_scopes_that_would_do(service: Any, signer: Any) -> None:
    service.access = Access(all_of=("a",), any_of=("b", "c"))
    response = await service.get(b"Bearer " + signer.token())
    expected = 'Bearer error="insufficient_scope", scope="a b"'
    assert response.headers["www-authenticate"] == expected


async def test_public_operations_need_no_token_and_look_at_none(service: Any) -> None:
    service.access = PUBLIC
    assert (await service.get()).status_code == 200
    assert (await service.get(b"Bearer asdf")).status_code == 200


async def test_the_exchange_learns_who_called(service: Any, signer: Any) -> None:
    await service.get(b"Bearer " + signer.token())
    assert service.reached[0].client_id == "client-1"
    assert service.reached[0].claims["jti"] == "AT.1"


@pytest.mark.parametrize("name", ["cid", "client_id", "azp"])
async def test_the_client_is_read_from_any_vendors_claim(
    service: Any, signer: Any, name: str
) -> None:
    await service.get(b"Bearer " + signer.token(**{"cid": ..., name: "someone"}))
    assert service.reached[0].client_id == "someone"


async def test_the_metadata_of_the_resource_is_in_each_challenge(
    make_service: Any, make_verifier: Any
) -> None:
    where = "https://api.example/.well-known/oauth-protected-resource"
    service = make_service(make_verifier(), resource_metadata=where)
    for sent, begin in [((), "Bearer "), ((b"Bearer x",), INVALID_TOKEN + ", ")]:
        response = await service.get(*sent)
        expected = f'{begin}resource_metadata="{where}"'
        assert response.headers.get_list("www-authenticate") == [expected]


@pytest.mark.parametrize("url", ["http://api.example", 'https://a.example/"', "https://a\r\nb", ""])
def test_metadata_at_an_address_that_breaks_the_challenge_is_refused_at_start(
    make_verifier: Any, service: Any, url: str
) -> None:
    with pytest.raises(ValueError, match="resource_metadata"):
        BearerAuthMiddleware(service, make_verifier(), resource_metadata=url)


async def test_without_keys_the_answer_is_503_and_when_to_come_again(
    service: Any, signer: Any, desk: Any
) -> None:
    desk.documents.clear()
    response = await service.get(b"Bearer " + signer.token())
    _refused(response, 503, None, None)
    assert response.headers["retry-after"] == "1"


async def test_lifespan_passes_and_websockets_are_closed(make_verifier: Any) -> None:
    reached, sent = [], []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    gate = BearerAuthMiddleware(app, make_verifier())
    for kind in ("lifespan", "websocket"):
        await gate({"type": kind}, receive, send)
    assert reached == ["lifespan"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_a_request_that_nobody_routed_does_not_slip_through(make_verifier: Any) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    gate = BearerAuthMiddleware(never, make_verifier())
    with pytest.raises(RuntimeError, match="must be inside an encore Application"):
        await gate({"type": "http", "headers": [], "query_string": b""}, never, never)
