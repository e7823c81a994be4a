"""Login with a browser on any machine: the person types a code there (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from client.login.flow import (
    Granted,
    LoginRequest,
    hidden,
    parse_granted,
    parse_members,
    refusal,
    send_form,
)
from encore.client.errors import IssuerError, NetworkError, UnexpectedResponseError
from encore.client.transport import Transport
from encore.client.urls import validate_url

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"

_OK: Final = 200
_FIRST_SECONDS: Final = 1.0
"""Before the first poll; the issuer's interval is between two of them."""

_DEFAULT_INTERVAL: Final = 5.0
_SLOWER_SECONDS: Final = 5.0
_MAX_INTERVAL: Final = 60.0
_MAX_LIFETIME: Final = 1_800.0
_MAX_CODE: Final = 100


class DeviceCode(NamedTuple):
    """The response to a device authorization request."""

    device_code: str
    user_code: str
    url: str
    complete_url: str
    """With the code in it; empty if the issuer has none."""
    lifetime: float
    interval: float


def log_in_by_device(
    request: LoginRequest,
    transport: Transport,
    show: Callable[[DeviceCode], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Granted:
    """Let a person log in with a browser on any machine.

    Args:
        request: What is asked for.
        transport: Sends the requests.
        show: Shows the person the code, and where to type it.
        sleep: Waits this many seconds.

    Raises:
        IssuerError: The person refused, the issuer did, or the code has expired.
        ClientError: The issuer cannot be reached, or its response is malformed.
    """
    response = send_form(transport, request.metadata.device_url, request.parameters)
    if response.status_code != _OK:
        raise refusal(parse_members(response) or {"error": f"status {response.status_code}"})
    code = _parse_code(parse_members(response))
    show(code)
    with hidden(code.device_code):
        return _poll(request, transport, code, sleep)


def _poll(
    request: LoginRequest, transport: Transport, code: DeviceCode, sleep: Callable[[float], None]
) -> Granted:
    form = {
        "grant_type": GRANT_TYPE,
        "device_code": code.device_code,
        "client_id": request.client_id,
    }
    interval, wait = code.interval, min(_FIRST_SECONDS, code.interval)
    end = time.monotonic() + code.lifetime
    while time.monotonic() + wait <= end:
        sleep(wait)
        wait = interval
        try:
            response = send_form(transport, request.metadata.token_url, form)
        except NetworkError:
            # Section 3.5: after a connection timeout less often; anything may have gone wrong.
            wait = interval = min(2 * interval, _MAX_INTERVAL)
            continue
        error = parse_members(response).get("error")
        if error == "slow_down":
            wait = interval = interval + _SLOWER_SECONDS
        elif error != "authorization_pending":
            if error == "expired_token":
                break
            if error:
                raise refusal(parse_members(response))
            return parse_granted(response, request, time.time())
    raise IssuerError("The code has expired: python -m client login --device shows a new one.")


def _parse_code(members: dict[str, Any]) -> DeviceCode:
    def text(name: str, *, required: bool = True) -> str:
        value = members.get(name, "")
        if not isinstance(value, str) or (required and not value):
            raise UnexpectedResponseError(f"ISSUER responded 200, but without {name}.")
        return value

    url = text("verification_uri")
    complete_url = text("verification_uri_complete", required=False)
    for shown in filter(None, (url, complete_url)):
        validate_url(shown, "verification_uri of ISSUER", UnexpectedResponseError)
    return DeviceCode(
        device_code=text("device_code"),
        user_code=text("user_code")[:_MAX_CODE],
        url=url,
        complete_url=complete_url,
        lifetime=_seconds(members.get("expires_in"), _MAX_LIFETIME, _MAX_LIFETIME),
        interval=_seconds(members.get("interval"), _DEFAULT_INTERVAL, _MAX_INTERVAL),
    )


def _seconds(value: Any, default: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return default
    return float(min(value, most))
