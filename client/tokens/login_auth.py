"""The tokens of a person's login as ``httpx.Auth``: renewed by refresh tokens (RFC 6749, 6)."""

from client.tokens.file_cache import FileTokenCache
from client.tokens.logins import Login
from encore.client.auth import TokenAuth
from encore.client.errors import IssuerError
from encore.client.lean_httpx import httpx
from encore.client.redaction import hide_secrets
from encore.client.token_cache import CachedToken
from encore.client.urls import require_https


class LoginAuth(TokenAuth):
    """Sends the token of a login, and renews it as long as the issuer allows.

    Args:
        login: Who is logged in.
        cache: Has the tokens of the login.
        insecure: Whether tokens may be sent over http to another machine.

    Raises:
        InsecureError: The issuer is http on another machine.
    """

    def __init__(self, login: Login, cache: FileTokenCache, *, insecure: bool = False) -> None:
        super().__init__(login.key, cache=cache, insecure=insecure)
        if not insecure:
            require_https(login.token_url, "refresh token")
        self._login = login
        self._refresh_token = ""

    def build_token_request(self, cached: CachedToken | None) -> httpx.Request:
        """Return the request that renews the token.

        Raises:
            IssuerError: There is no refresh token: the person must log in again.
        """
        if cached is None or not cached.refresh_token:
            raise IssuerError(self._ended("has ended"))
        self._refresh_token = cached.refresh_token
        return httpx.Request(
            "POST",
            self._login.token_url,
            headers={"Accept": "application/json"},
            data={
                "grant_type": "refresh_token",
                "refresh_token": cached.refresh_token,
                "client_id": self._login.client_id,
            },
        )

    def parse_token_response(self, response: httpx.Response) -> CachedToken:
        """Return the new token; the refresh token stays the same unless there is another.

        Raises:
            IssuerError: The refresh token is no longer accepted, or the issuer failed.
            UnexpectedResponseError: The response is not a token response.
        """
        try:
            token = super().parse_token_response(response)
        except IssuerError as error:
            message = hide_secrets(str(error), (self._refresh_token,))
            if "invalid_grant" in message:
                message = self._ended("was ended by the issuer")
            raise IssuerError(message, error.status, error.retry_after) from None
        return token if token.refresh_token else token._replace(refresh_token=self._refresh_token)

    def redact(self, message: str) -> str:
        """Return a message without the tokens."""
        return hide_secrets(super().redact(message), (self._refresh_token,))

    def _ended(self, how: str) -> str:
        return (
            f"The login of {self._login.person} at {self._login.issuer} {how}: python -m client"
            " login starts a new one, python -m client logout returns to CLIENT_ID and"
            " CLIENT_SECRET."
        )
