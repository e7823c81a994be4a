"""What is wrong with settings, one line each: pydantic's errors in JSON Schema's words.

A line begins with the setting's name and never repeats the value, which may be secret.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from pydantic import ValidationError

from encore.settings.validators import MISSING
from encore.suggestions import suggest

_SHOULD: Final = re.compile(r"^[A-Z]\w*( \w+)? should ")
_REASON: Final = re.compile(r", unable to .*", re.DOTALL)
_STRUCTURES: Final = {
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "array"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), "object"),
}
_VALID: Final = re.compile(r"\ba valid ([a-z])")


def messages_of(error: ValidationError, names: Collection[str]) -> Iterator[str]:
    """Yield a line for each error.

    Args:
        error: Raised for the settings.
        names: The names of all settings, in upper case.
    """
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else "settings"
        yield f"{name}: {_message(name, detail['type'], detail['msg'], names)}"


def _message(name: str, type_: str, message: str, names: Collection[str]) -> str:
    """Return "must be an integer" for "Input should be a valid integer, unable to parse ..."."""
    if type_ == "missing":
        return MISSING
    if type_ == "extra_forbidden":
        return f"is not a setting; {suggest(name, names)}"
    if type_ in _STRUCTURES:
        return f"must be a JSON {_STRUCTURES[type_]}"
    message = " ".join(_REASON.sub("", message.removeprefix("Value error, ")).split())
    return _VALID.sub(_with_article, _SHOULD.sub("must ", message))


def _with_article(match: re.Match[str]) -> str:
    return f"an {match[1]}" if match[1] in "aeiou" else f"a {match[1]}"
