"""The device authorization endpoint, and the grant of device codes (RFC 8628)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from encore.issuer.client_authentication import ClientRegistry
from encore.issuer.device.codes import DEVICE_SECONDS, POLL_SECONDS, DeviceCodes
from encore.issuer.endpoints import NO_STORE
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import (
    InvalidRequestError,
    InvalidTargetError,
    UnauthorizedClientError,
)
from encore.issuer.parameters import Parameters, read_parameters
from encore.issuer.requested_access import parse_access
from encore.issuer.tokens import parse_token_format
from encore.issuer.user_tokens import TokenFamily, UserTokens


class DeviceAuthorizationEndpoint:
    """Issues device codes and user codes.

    Args:
        settings: For the clients and scopes.
        clients: The registered clients.
        user_tokens: For the vendor's defaults.
        codes: Where the codes are kept.
        verification_uri: Where users type their code.
        json_body: Whether the request may be JSON, as for Auth0.
    """

    def __init__(
        self,
        settings: IssuerSettings,
        clients: ClientRegistry,
        user_tokens: UserTokens,
        codes: DeviceCodes,
        verification_uri: str,
        *,
        json_body: bool,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._profile = user_tokens.profile
        self._codes = codes
        self._verification_uri = verification_uri
        self._json_body = json_body

    async def __call__(self, request: Request) -> Response:
        """Return new codes (section 3.2). Raise ``OAuthError``."""
        parameters = await read_parameters(request, json_body=self._json_body)
        client_id = self._clients.identify(request, parameters)
        if not self._settings.has_device_flow(client_id):
            raise UnauthorizedClientError("The client may not use the device flow.")
        access = parse_access(self._settings, self._profile, client_id, parameters)
        device_code, user_code = self._codes.add(access)
        uri = self._verification_uri
        content = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": uri,
            "verification_uri_complete": f"{uri}?{urlencode({'user_code': user_code})}",
            "expires_in": DEVICE_SECONDS,
            "interval": POLL_SECONDS,
        }
        return JSONResponse(content, headers=NO_STORE)


class DeviceGrant:
    """Issues tokens for device codes.

    Args:
        codes: The device codes.
        user_tokens: Issues tokens.
    """

    def __init__(self, codes: DeviceCodes, user_tokens: UserTokens) -> None:
        self._codes = codes
        self._user_tokens = user_tokens

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``."""
        if "device_code" not in parameters:
            raise InvalidRequestError("The device_code parameter is required.")
        format_ = parse_token_format(parameters)
        audience = self._user_tokens.profile.audience(parameters)
        access, approval = self._codes.redeem(parameters["device_code"], client_id)
        if {"resource", "audience"} & parameters.keys() and audience != access.audience:
            raise InvalidTargetError("The device code was issued for another resource.")
        family = TokenFamily(client_id, access.audience, approval)
        return self._user_tokens.issue(family, format_=format_)
