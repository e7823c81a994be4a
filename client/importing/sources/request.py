"""The request of a page: its URL and body, and where a parameter is put into them."""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, unquote_plus, urljoin, urlsplit, urlunsplit

from client.errors import SourceError
from client.importing.sources.envelope import walk_envelope
from client.importing.sources.members import find_member, set_member
from encore.client.errors import ConfigurationError
from encore.client.urls import validate_url

_INTEGER: Final = re.compile("[0-9]{1,18}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class PageRequest(NamedTuple):
    """The request of a page.

    A parameter is in the query. With a body that is a JSON object it is a member of that object, by
    its path, unless the query already has it.
    """

    url: str
    body: str = ""
    """Sent with POST; empty: the request is a GET."""

    @property
    def digest(self) -> bytes:
        """A hash that identifies the request."""
        return sha256(f"{self.url}\n{self.body}".encode("utf-8", "backslashreplace")).digest()[:16]

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value, or None."""
        for pair in _pairs(self.url):
            if _name(pair) == name:
                return unquote_plus(pair.partition("=")[2])
        value = find_member(self._members() or {}, name)
        return None if value is None or isinstance(value, dict | list) else str(value)

    def parameters(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of all parameters of the query and of a body's members."""
        for pair in _pairs(self.url):
            yield _name(pair), unquote_plus(pair.partition("=")[2])
        for member in walk_envelope(self._members() or {}, ""):
            yield member.path.rpartition(".")[2], str(member.value)

    def with_parameter(self, name: str, value: str | int) -> "PageRequest":
        """Return the request with another value of a parameter.

        Raises:
            ConfigurationError: The body has no place for it.
            UnicodeEncodeError: The value cannot be sent in a URL.
        """
        members = self._members()
        pairs = _pairs(self.url)
        if members is not None and name not in map(_name, pairs):
            if type(find_member(members, name)) is int and _INTEGER.fullmatch(str(value)):
                value = int(value)  # A response header has text only.
            try:
                return self._replace(body=json.dumps(set_member(members, name, value)))
            except ValueError as error:
                raise ConfigurationError(
                    f"{name!r} cannot be put into the body of the mapping: {error}."
                ) from error
        others = [pair for pair in pairs if _name(pair) != name]
        query = "&".join([*others, f"{quote_plus(name)}={quote_plus(str(value))}"])
        return self._replace(url=urlunsplit(urlsplit(self.url)._replace(query=query)))

    def follow(self, target: str) -> "PageRequest":
        """Return the request of the page at a URL that the source named.

        Args:
            target: Absolute, or relative to this request's URL.

        Raises:
            SourceError: It is malformed, or has another scheme, host or port.
        """
        try:
            url = urljoin(self.url, target.strip().replace(" ", "%20"))
            url = urlunsplit(urlsplit(url)._replace(fragment=""))
            validate_url(url, "The next page's URL", SourceError)
            here, there = _origin(self.url), _origin(url)
        except ValueError as error:
            raise SourceError(f"The next page's URL is malformed: {error}.") from error
        if here != there:
            raise SourceError(
                f"The next page is at {_describe(there)}, but the source is at {_describe(here)}:"
                " all pages must have the same scheme, host and port, since the source's"
                " credentials and headers are sent with each."
            )
        return self._replace(url=url)

    def _members(self) -> Mapping[str, Any] | None:
        """Return the body's members, or None if it is not a JSON object."""
        try:
            value = json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


def _pairs(url: str) -> list[str]:
    return [pair for pair in urlsplit(url).query.split("&") if pair]


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme))


def _describe(origin: tuple[str, str, int | None]) -> str:
    scheme, host, port = origin
    host = f"[{host}]" if ":" in host else host
    return (
        f"{scheme}://{host}" if port == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"
    )
