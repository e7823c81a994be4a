"""Consent: a user decides which of the requested scopes a client gets, as whom.

The authorization endpoint and the device flow both ask here; what happens after the decision is
theirs.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from encore.issuer.expiring_store import ExpiringStore
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.pages.browser import browser_id, check_own_form, is_browser, remember_browser
from encore.issuer.pages.consent_page import (
    ALLOW,
    DECISION,
    DENY,
    FORM,
    SCOPE_PREFIX,
    USER,
    ConsentPage,
    consent_page,
)
from encore.issuer.pages.errors import PageError
from encore.issuer.parameters import Parameters, read_parameters
from encore.issuer.scope_descriptions import OPENID, describe_scope
from encore.issuer.users import User

PENDING_SECONDS: Final = 600
"""How long a user may take to decide."""

_MAX_FIELDS: Final = 5_000
"""More than the checkboxes of the longest scope parameter."""


@dataclass(frozen=True, kw_only=True)
class AccessRequest:
    """What a client asks a user for.

    Args:
        client_id: The client.
        client_name: What the page calls it.
        scopes: The requested scopes.
        audience: ``aud`` of the token.
        target: The redirect URI; None for a device.
        login_hint: The name of the user to preselect.
    """

    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    audience: str
    target: str | None = None
    login_hint: str | None = None


@dataclass(frozen=True)
class Approval:
    """What a user allowed.

    Args:
        user: The user.
        scopes: Of the requested scopes those that the user may allow and did.
        auth_time: When, in seconds since 1970.
    """

    user: User
    scopes: tuple[str, ...]
    auth_time: int


Complete = Callable[[Approval | None], Response]
"""Returns the response to a decision; None denies."""


@dataclass(frozen=True)
class _Pending:
    browser: str
    access: AccessRequest
    complete: Complete


class ConsentEndpoint:
    """Shows consent pages, and receives their forms.

    Args:
        settings: For the users and the scopes in words.
        path: Where forms are sent.
        clock: Returns a monotonic time, in seconds.
    """

    def __init__(
        self,
        settings: IssuerSettings,
        path: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users: Mapping[str, User] = {user.name: user for user in settings.users}
        self._descriptions = settings.scope_descriptions
        self._path = path
        self._pending = ExpiringStore[_Pending](PENDING_SECONDS, clock)

    def ask(self, request: Request, access: AccessRequest, complete: Complete) -> Response:
        """Return the page that asks the user."""
        id_ = browser_id(request)
        form_id = self._pending.add(_Pending(id_, access, complete))
        response = self._page(access, form_id)
        remember_browser(response, id_)
        return response

    async def __call__(self, request: Request) -> Response:
        """Receive a decision.

        Raises:
            PageError: The form is not one of ours, was decided already, or has expired.
        """
        check_own_form(request)
        try:
            form = await read_parameters(request, max_parameters=_MAX_FIELDS)
        except OAuthError as error:
            raise PageError("The form is malformed.", error.status) from error
        form_id = form.get(FORM, "")
        pending = self._pending.find(form_id)
        if pending is None:
            raise PageError("This request has expired or was decided already; start again.")
        if not is_browser(request, pending.browser):
            raise PageError("The page needs cookies: allow them for this address, and start again.")
        if form.get(DECISION) == DENY:
            self._pending.remove(form_id)
            return pending.complete(None)
        if form.get(DECISION) != ALLOW:
            raise PageError("The form is incomplete.")
        return self._allow(form_id, pending, form)

    def _allow(self, form_id: str, pending: _Pending, form: Parameters) -> Response:
        user = self._users.get(form.get(USER, ""))
        if user is None:
            return self._page(pending.access, form_id, "Choose whom to act as.")
        scopes = tuple(
            scope
            for scope in pending.access.scopes
            if user.allows(scope) and (scope == OPENID or f"{SCOPE_PREFIX}{scope}" in form)
        )
        if not scopes:
            message = f"{user.name} may allow none of what is ticked: choose differently, or deny."
            return self._page(pending.access, form_id, message)
        self._pending.remove(form_id)
        return pending.complete(Approval(user, scopes, int(time.time())))

    def _page(self, access: AccessRequest, form_id: str, message: str | None = None) -> Response:
        hinted = access.login_hint if access.login_hint in self._users else None
        content = ConsentPage(
            action=self._path,
            form_id=form_id,
            client_name=access.client_name,
            scopes={s: describe_scope(s, self._descriptions) for s in access.scopes},
            users=list(self._users.values()),
            selected_user=hinted or next(iter(self._users)),
            target=access.target,
            message=message,
        )
        return consent_page(content, 200 if message is None else 400)
