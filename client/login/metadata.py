"""Where an issuer has its endpoints (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from encore.client.errors import ConfigurationError, UnexpectedResponseError
from encore.client.responses import parse_body
from encore.client.transport import Transport
from encore.client.urls import require_https, validate_url

_OK: Final = 200
_ENDPOINTS: Final = {
    "token_endpoint": "token_url",
    "authorization_endpoint": "authorization_url",
    "device_authorization_endpoint": "device_url",
    "revocation_endpoint": "revocation_url",
}
_CHALLENGE_METHODS: Final = "code_challenge_methods_supported"
_S256: Final = "S256"


class Metadata(NamedTuple):
    """The endpoints of an issuer; one that it does not have is empty."""

    issuer: str
    token_url: str
    authorization_url: str
    device_url: str
    revocation_url: str
    sends_issuer: bool
    """Whether authorization responses name the issuer (RFC 9207)."""


def fetch_metadata(issuer: str, transport: Transport, *, insecure: bool) -> Metadata:
    """Return the metadata of an issuer.

    Args:
        issuer: The setting ``ISSUER``.
        transport: Sends the requests.
        insecure: Whether endpoints may be http on another machine.

    Raises:
        UnexpectedResponseError: There is no document, or it is malformed.
        ConfigurationError: The document is of an issuer with another name.
        InsecureError: An endpoint is http on another machine.
        NetworkError: No response.
    """
    for url in _document_urls(issuer):
        response = transport.send("GET", url, headers={"Accept": "application/json"})
        if response.status_code != _OK:
            continue
        try:
            document = parse_body(response)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return _parse(document, issuer, insecure=insecure)
    raise UnexpectedResponseError(
        f"ISSUER has no discovery document: neither {' nor '.join(_document_urls(issuer))} is one."
    )


def _document_urls(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    yield f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    yield f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def _parse(document: dict[str, Any], issuer: str, *, insecure: bool) -> Metadata:
    # Another issuer could pass off its endpoints as those of this one.
    if document.get("issuer") != issuer:
        raise ConfigurationError(
            f"The discovery document of ISSUER is that of {str(document.get('issuer'))[:200]!r}:"
            " ISSUER must be written the same, with or without its final slash."
        )
    urls: dict[str, str] = {}
    for name, field in _ENDPOINTS.items():
        url = document.get(name) or ""
        if not isinstance(url, str):
            raise UnexpectedResponseError(f"ISSUER has a malformed discovery document: {name}.")
        if url:
            validate_url(url, f"{name} of ISSUER", UnexpectedResponseError)
            if not insecure:
                require_https(url, "login")
        urls[field] = url
    if not urls["token_url"]:
        raise UnexpectedResponseError("ISSUER has no token_endpoint in its discovery document.")
    methods = document.get(_CHALLENGE_METHODS)
    if isinstance(methods, list) and _S256 not in methods:
        urls["authorization_url"] = ""
    sends_issuer = document.get("authorization_response_iss_parameter_supported") is True
    return Metadata(issuer=issuer, sends_issuer=sends_issuer, **urls)
