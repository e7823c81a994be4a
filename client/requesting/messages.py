"""A request and its response, whichever transport carries them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

Header = tuple[str, str]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1), among those that an API has."""


class Request(NamedTuple):
    """A request, complete except for its token."""

    method: str
    """In upper case."""
    url: str
    """Absolute."""
    headers: tuple[Header, ...] = ()
    body: "bytes | Iterable[bytes] | None" = None
    """Chunks can be iterated again; their headers have a ``Content-Length``."""

    def with_header(self, name: str, value: str) -> "Request":
        """Return the request with another header, instead of those of this name."""
        kept = tuple(h for h in self.headers if h[0].lower() != name.lower())
        return self._replace(headers=(*kept, (name, value)))

    def header(self, name: str) -> str:
        """Return the values of a header, joined by commas; empty without one."""
        return join_header(self.headers, name)


class ResponseHeaders:
    """The headers of a response; names are compared in any case.

    Args:
        pairs: Names and values, in the order received.
    """

    def __init__(self, pairs: Sequence[Header]) -> None:
        self.pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """Return the values of a header, joined by commas, or the default."""
        return join_header(self.pairs, name) or default


class Response:
    """A response whose body is read when it is needed.

    Attributes:
        status_code: The status.
        reason_phrase: The reason phrase; may be empty.
        headers: The headers.
    """

    def __init__(
        self,
        status_code: int,
        reason_phrase: str,
        headers: Sequence[Header],
        chunks: Iterator[bytes],
    ) -> None:
        self.status_code = status_code
        self.reason_phrase = reason_phrase
        self.headers = ResponseHeaders(headers)
        self._chunks = chunks
        self._content: bytes | None = None

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty without one."""
        return self.headers.get("content-type").partition(";")[0].strip().lower()

    @property
    def content(self) -> bytes:
        """The whole body. Raise ``NetworkError`` if not all of it arrives."""
        if self._content is None:
            self._content = b"".join(self._chunks)
        return self._content

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the body as it arrives, once. Raise ``NetworkError`` if not all of it arrives."""
        return self._chunks if self._content is None else iter([self._content])

    def discard(self) -> None:
        """Read the rest of the body and drop it, so that the connection can be used again."""
        for _ in self._chunks:
            pass


def join_header(pairs: Sequence[Header], name: str) -> str:
    """Return the values of a header, joined by commas; empty without one."""
    return ", ".join(value for known, value in pairs if known.lower() == name.lower())


def is_json_type(media_type: str) -> bool:
    """Return whether a media type is JSON's, such as ``application/problem+json``."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")
