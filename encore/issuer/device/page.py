"""The page on which users type the code that their device shows (RFC 8628 section 3.3).

The code of a link is filled in, but not sent: the user compares it with the device first, and sees
who asks on the next page (section 5.4). Wrong codes are limited (section 5.1).
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from encore.issuer.consent import Approval, ConsentEndpoint
from encore.issuer.device.codes import DeviceAuthorization, DeviceCodes, parse_user_code
from encore.issuer.guess_limit import GuessLimit
from encore.issuer.oauth_errors import OAuthError, TooManyGuessesError
from encore.issuer.pages.browser import check_host, check_own_form
from encore.issuer.pages.errors import PageError
from encore.issuer.pages.markup import element
from encore.issuer.pages.page import page
from encore.issuer.parameters import read_pairs, read_parameters

USER_CODE: Final = "user_code"
_GUESSED: Final = "user_code"
"""What guesses are counted for, instead of a client id."""

_DONE: Final = "You can close this page and go back to your device."


class DevicePage:
    """Asks for a user code, then for consent.

    Args:
        path: The path of the page.
        codes: The pending authorizations.
        consent: Asks the user.
        limit: Limits wrong codes.
    """

    def __init__(
        self, path: str, codes: DeviceCodes, consent: ConsentEndpoint, limit: GuessLimit
    ) -> None:
        self._path = path
        self._codes = codes
        self._consent = consent
        self._limit = limit

    async def __call__(self, request: Request) -> Response:
        """Return the page, or the consent page for a typed code. Raise ``PageError``."""
        if request.method == "POST":
            return await self._receive(request)
        check_host(request)
        try:
            values = [value for name, value in await read_pairs(request) if name == USER_CODE]
        except OAuthError as error:
            raise PageError(error.description, error.status) from error
        return self._form(parse_user_code(values[0]) if len(values) == 1 else None)

    async def _receive(self, request: Request) -> Response:
        check_own_form(request)
        try:
            form = await read_parameters(request)
        except OAuthError as error:
            raise PageError("The form is malformed.", error.status) from error
        # Nothing is awaited from here to the count: guesses at the same time are one by one.
        address = "" if request.client is None else request.client.host
        seconds = self._limit.remaining_seconds(_GUESSED, address)
        if seconds > 0:
            wait = TooManyGuessesError(seconds)
            raise PageError("Too many wrong codes; try again later.", wait.status, wait.headers)
        code = parse_user_code(form.get(USER_CODE, ""))
        pending = None if code is None else self._codes.find_by_user_code(code)
        if pending is None:
            self._limit.add_wrong(_GUESSED, address)
            return self._form(code, "This code is unknown, expired or used: compare it.")
        # A right code does not end the count: anyone can have a device code of their own.
        return self._consent.ask(request, pending.access, lambda a: _decided(pending, a))

    def _form(self, code: str | None, message: str | None = None) -> Response:
        note = [] if message is None else [element("p", message, class_="note")]
        form = element(
            "form",
            element(
                "label",
                "Code ",
                element(
                    "input",
                    type="text",
                    name=USER_CODE,
                    value=code or "",
                    required=True,
                    maxlength="20",
                    autocomplete="off",
                    autocapitalize="characters",
                    spellcheck="false",
                ),
            ),
            element("button", "Continue", class_="main"),
            method="post",
            action=self._path,
        )
        return page(
            "Connect a device",
            element("p", "Type the code that your device shows, or compare it if it is here."),
            *note,
            form,
            status=200 if message is None else 400,
        )


def _decided(pending: DeviceAuthorization, approval: Approval | None) -> Response:
    if pending.is_decided:
        raise PageError("This code was used meanwhile.")
    pending.decide(approval)
    return page("Denied" if approval is None else "Connected", element("p", _DONE))
