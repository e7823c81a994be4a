"""Fields that a service adds to the settings: which names they may have, and values in JSON.

A setting is read from its name in upper case. Other ways to name one (aliases, a prefix as in
pydantic-settings) are rejected, because they would be ignored.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from encore.strict_json import strict_decoder

_STRUCTURED: Final = (list, tuple, AbstractSet, Mapping, BaseModel)
_JSON: Final = strict_decoder()


def problems_of(cls: type[BaseModel]) -> Iterator[str]:
    """Yield what is wrong with the fields of a subclass of ``Settings``."""
    for key in sorted(cls.model_config.keys() - ConfigDict.__annotations__.keys()):
        yield f"model_config: {key} is not supported"
    names: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        if field.alias is not None or field.validation_alias is not None:
            yield f"{name}: an alias is not supported; the setting is read from {name.upper()}"
        other = names.setdefault(name.upper(), name)
        if other != name:
            yield f"{name}: is read from {name.upper()}, as {other} is"


def decode_structure(field: FieldInfo, text: str) -> Any:
    """Return what a JSON array or object says, for a field that holds one; else the text."""
    if text.lstrip()[:1] in ("[", "{") and _is_structured(field.annotation):
        try:
            return _JSON.decode(text.strip())
        except (ValueError, RecursionError):
            return text  # Perhaps a validator of the field reads it; otherwise it is rejected.
    return text


def _is_structured(annotation: Any) -> bool:
    type_ = get_origin(annotation) or annotation
    if isinstance(type_, type) and issubclass(type_, _STRUCTURED):
        return True
    return type_ is Sequence or any(_is_structured(argument) for argument in get_args(annotation))
