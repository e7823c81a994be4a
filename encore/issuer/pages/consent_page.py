"""The page on which a user chooses who they are and what a client may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from encore.issuer.pages.markup import Markup, element, join
from encore.issuer.pages.page import page
from encore.issuer.scope_descriptions import OPENID
from encore.issuer.users import User

FORM: Final = "form"
DECISION: Final = "decision"
ALLOW: Final = "allow"
DENY: Final = "deny"
USER: Final = "user"
SCOPE_PREFIX: Final = "scope."
"""What the name of a scope's checkbox begins with."""


@dataclass(frozen=True, kw_only=True)
class ConsentPage:
    """The content of a consent page.

    Args:
        action: The path that the form is sent to.
        form_id: The id of the pending request.
        client_name: Who asks.
        scopes: What the client asks for, in words by scope.
        users: Whom to choose from.
        selected_user: The name of the user that is preselected.
        target: The redirect URI; None for a device.
        message: A message above the form.
    """

    action: str
    form_id: str
    client_name: str
    scopes: Mapping[str, str]
    users: Sequence[User]
    selected_user: str
    target: str | None = None
    message: str | None = None


def consent_page(content: ConsentPage, status: int = 200) -> Response:
    """Return the page."""
    note = [] if content.message is None else [element("p", content.message, class_="note")]
    targets = [] if content.target is None else [content.target]
    form = element(
        "form",
        element("input", type="hidden", name=FORM, value=content.form_id),
        _users(content),
        _scopes(content),
        _where(content),
        element("button", "Allow", class_="main", name=DECISION, value=ALLOW),
        element("button", "Deny", name=DECISION, value=DENY),
        method="post",
        action=content.action,
    )
    return page(
        f"{content.client_name} asks for access",
        *note,
        form,
        element("p", element("small", "A development issuer: users have no passwords here.")),
        status=status,
        form_targets=targets,
    )


def _users(content: ConsentPage) -> Markup:
    choices = [
        element(
            "label",
            element(
                "input",
                type="radio",
                name=USER,
                value=user.name,
                required=True,
                checked=user.name == content.selected_user,
            ),
            f" {user.name}",
            f", {user.description}" if user.description else "",
            _not_allowed(user, content.scopes),
        )
        for user in content.users
    ]
    return element("fieldset", element("legend", "Act as"), *choices)


def _not_allowed(user: User, scopes: Mapping[str, str]) -> Markup:
    lacking = [scope for scope in scopes if not user.allows(scope)]
    return element("small", f" (not {', '.join(lacking)})") if lacking else join()


def _scopes(content: ConsentPage) -> Markup:
    choices = [
        element(
            "label",
            element(
                "input",
                type="checkbox",
                name=f"{SCOPE_PREFIX}{scope}",
                value="1",
                checked=True,
                disabled=scope == OPENID,  # Without it there would be no OpenID Connect.
            ),
            f" {words} ",
            element("code", scope) if words != scope else "",
        )
        for scope, words in content.scopes.items()
    ]
    return element("fieldset", element("legend", "Allow"), *choices)


def _where(content: ConsentPage) -> Markup:
    if content.target is None:
        return element("p", "Allow it only if you started this on your own device.")
    return element("p", "The answer goes to ", element("code", content.target), ".")
