"""The tokens of a command's requests: cached, requested when needed, renewed once.

A request with a cached token imports neither httpx nor filelock.
"""

from typing import TYPE_CHECKING, Self

from client.tokens.choosing import EnvironmentToken, TokenChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from encore.client.transport import Transport


class AccessTokens:
    """Returns the tokens of a choice.

    Args:
        choice: Whose tokens.
        insecure: Whether secrets may be sent over http to another machine.

    Attributes:
        observe: Called with each request to the issuer and its response, if it is set.
        timeout: The longest wait for the issuer, in seconds; None for that of the library.
    """

    def __init__(self, choice: TokenChoice, *, insecure: bool = False) -> None:
        self._choice = choice
        self._insecure = insecure
        self._transport: Transport | None = None
        self._secrets: list[str] = []
        self._requested = ""
        self.timeout: float | None = None
        self.observe: Callable[[httpx.Request, httpx.Response], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the issuer, if there is one."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def hint(self) -> str:
        """What to say if the API rejects the tokens."""
        return self._choice.hint

    def hint_on_scope(self, missing: str) -> str:
        """Return how to get tokens with further scopes, separated by blanks."""
        return self._choice.hint_on_scope(missing)

    @property
    def scope(self) -> str:
        """The scopes that the tokens were requested with, separated by blanks; may be unknown."""
        return self._choice.scope

    def get(self) -> str:
        """Return a token.

        Raises:
            ClientError: The issuer returned none.
        """
        token = self._choice.load_cached()
        if not token:
            self._requested = token = self._request("")
        self._secrets.append(token)
        return token

    def renew(self, rejected: str) -> str:
        """Return another token than a rejected one; the same if it is new, or cannot be renewed.

        Raises:
            ClientError: The issuer returned none.
        """
        if rejected == self._requested or isinstance(self._choice, EnvironmentToken):
            return rejected
        self._requested = token = self._request(rejected)
        self._secrets.append(token)
        return token

    def redact(self, message: str) -> str:
        """Return a message without secrets and tokens, in case a server repeated them."""
        from encore.client.redaction import hide_secrets  # noqa: PLC0415 - start-up.

        return hide_secrets(message, [*self._choice.secrets, *self._secrets])

    def _request(self, rejected: str) -> str:
        if isinstance(self._choice, EnvironmentToken):
            return self._choice.token
        from encore.client.transport import Transport  # noqa: PLC0415 - start-up: httpx.

        auth = self._choice.create_auth(insecure=self._insecure)
        self._transport = self._transport or Transport()
        return auth.get_token(self._send, rejected=rejected).access_token

    def _send(self, request: "httpx.Request") -> "httpx.Response":
        if self._transport is None:
            raise RuntimeError("The tokens are closed.")
        options = {} if self.timeout is None else {"timeout": self.timeout}
        response = self._transport.send(
            request.method,
            str(request.url),
            headers=request.headers,
            content=request.content,
            **options,
        )
        if self.observe is not None:
            self.observe(request, response)
        return response
