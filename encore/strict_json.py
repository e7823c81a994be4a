"""Strict JSON decoding (RFC 8259), for everything that a caller sends.

RFC 8259 leaves some texts open to interpretation; two readers could see two different values in
them. They are rejected here: duplicate members, NaN and Infinity, names with lone surrogates.
``strict_decoder`` raises ``ValueError``; ``BodyDecoder`` reports what is wrong and where.
"""

import json
from typing import Any, Final

from encore.errors import MalformedBody

_SHOWN_CHARACTERS: Final = 100


class InvalidMember(ValueError):
    """A member of an object is invalid.

    Args:
        name: The member's name.
        message: What is wrong with it.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name = name.encode(errors="replace").decode()[:_SHOWN_CHARACTERS]
        self.message = f"{self.name} {message}"
        super().__init__(self.message)


class InvalidConstant(ValueError):
    """``NaN``, ``Infinity`` or ``-Infinity``; the message is the constant."""


def strict_decoder(**options: Any) -> json.JSONDecoder:
    """Return a strict decoder.

    It raises ``json.JSONDecodeError``, ``InvalidMember``, ``InvalidConstant``, another
    ``ValueError`` (Python's limit on the digits of an integer) or ``RecursionError``.

    Args:
        options: Those of ``json.JSONDecoder``, such as ``parse_float``.
    """
    return json.JSONDecoder(
        object_pairs_hook=_unique_members, parse_constant=_reject_constant, **options
    )


class BodyDecoder:
    """A strict decoder whose errors name what is wrong and where.

    Args:
        subject: The decoded text as errors call it: ``The body``.
        position: Format of an error's position, from the attributes of ``json.JSONDecodeError``.
    """

    def __init__(self, subject: str, position: str) -> None:
        self._subject = subject
        self._position = position
        self._decoder = strict_decoder()

    def decode(self, data: bytes) -> Any:
        """Decode UTF-8 JSON. Raises ``MalformedBody``."""
        try:
            return self._decoder.decode(data.decode())
        except (ValueError, RecursionError) as error:
            raise self._malformed(error) from error

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Decode the value that begins at ``start``; return it and the index of its end.

        Raises:
            JSONDecodeError: The text is not JSON, or the value is incomplete.
            MalformedBody: The value is invalid; reading more input would not fix it.
        """
        try:
            return self._decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise self._malformed(error) from error

    def _malformed(self, error: ValueError | RecursionError) -> MalformedBody:
        match error:
            case json.JSONDecodeError():
                position = self._position.format(error)
                return MalformedBody(f"{self._subject} is not JSON: {error.msg} at {position}")
            case UnicodeDecodeError():
                return MalformedBody(f"{self._subject} is not UTF-8 at byte {error.start}")
            case RecursionError():
                return MalformedBody(f"{self._subject} is nested too deeply")
            case InvalidConstant():
                return MalformedBody(f"{self._subject} is not JSON: {error} is not a JSON number")
            case InvalidMember():
                errors = [{"field": error.name, "message": error.message}]
                return MalformedBody(f"{self._subject}'s member {error.message}", errors)
            case _:  # Python's limit on the digits of an integer.
                return MalformedBody(f"{self._subject} contains a number with too many digits")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidMember(_first_duplicate(pairs), "is given twice")
    if not "".join(members).isascii():
        for name in members:
            if _has_lone_surrogate(name):
                raise InvalidMember(name, "is not valid Unicode")
    return members


def _reject_constant(name: str) -> Any:
    raise InvalidConstant(name)


def _first_duplicate(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name is given twice")


def _has_lone_surrogate(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False
