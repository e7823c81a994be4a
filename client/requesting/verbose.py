"""``--verbose``: the exchange on stderr as it happens, that with the issuer too."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from client.requesting.exchange import describe_body, describe_request, describe_response
from client.requesting.messages import Request, Response

if TYPE_CHECKING:
    import httpx

_OF_TRANSPORT: Final = frozenset({"host", "content-length"})
"""Headers that ``describe_request`` adds."""


class VerboseExchange:
    """Shows requests and the heads of responses; bodies of responses are the output.

    Args:
        echo: Receives what is shown.
        redact: Hides secrets and tokens in a text.
    """

    def __init__(self, echo: Callable[[str], None], redact: Callable[[str], str]) -> None:
        self._echo = echo
        self._redact = redact

    def show_request(self, request: Request) -> None:
        """Show a request before it is sent."""
        self._echo(self._redact(describe_request(request, "> ")))

    def show_response(self, response: Response) -> None:
        """Show the head of a response."""
        self._echo(self._redact(describe_response(response, "< ")))

    def show_token_exchange(self, request: "httpx.Request", response: "httpx.Response") -> None:
        """Show a request to the issuer and its response, with its body."""
        headers = tuple(
            header
            for header in request.headers.multi_items()
            if header[0].lower() not in _OF_TRANSPORT
        )
        self.show_request(Request(request.method, str(request.url), headers, request.content))
        pairs = response.headers.multi_items()
        self.show_response(Response(response.status_code, response.reason_phrase, pairs, iter(())))
        self._echo("\n".join(map(self._redact, describe_body(response.content))))
