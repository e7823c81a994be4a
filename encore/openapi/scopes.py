"""Scopes in words: what a scope allows, and what an operation needs."""

from collections.abc import Iterable, Mapping
from typing import Final

from encore.http.access import Access

_VERBS: Final[Mapping[str, str]] = {
    "get": "read",
    "post": "create",
    "put": "change",
    "patch": "change",
    "delete": "delete",
}
"""What operations do, by their methods; in the order of the words."""

Operation = tuple[str, Iterable[str], Access]
"""Method in lower case, tags and access of an operation."""


def describe_scopes(operations: Iterable[Operation]) -> dict[str, str]:
    """Return what each scope allows, by what the operations do that it is needed for.

    For example ``Read and create parts; read timesheets``.
    """
    verbs: dict[str, dict[str, set[str]]] = {}
    for method, tags, access in operations:
        for scope in access.scopes():
            by_tag = verbs.setdefault(scope, {})
            for tag in tags:
                by_tag.setdefault(tag, set()).add(_VERBS.get(method, "use"))
    return {scope: _sentence(by_tag) or scope for scope, by_tag in verbs.items()}


def needed_scopes(access: Access) -> str:
    """Return what an operation needs, in words; empty if it is public."""
    if access.public:
        return ""
    every = _enumeration(map(_code, access.all_of))
    one = _enumeration(map(_code, access.any_of), "or")
    noun = "scopes" if len(access.all_of) > 1 else "scope"
    match bool(every), bool(one):
        case True, True:
            return f"Needs the {noun} {every}, and one of {one}."
        case True, False:
            return f"Needs the {noun} {every}."
        case False, True:
            return f"Needs one of the scopes {one}."
        case _:
            return "Needs a valid token."


def _sentence(by_tag: Mapping[str, set[str]]) -> str:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for tag, verbs in by_tag.items():
        ordered = tuple(verb for verb in dict.fromkeys([*_VERBS.values(), "use"]) if verb in verbs)
        grouped.setdefault(ordered, []).append(tag)
    clauses = [f"{_enumeration(verbs)} {_enumeration(tags)}" for verbs, tags in grouped.items()]
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}"


def _enumeration(words: Iterable[str], conjunction: str = "and") -> str:
    *others, last = [*words] or [""]
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def _code(scope: str) -> str:
    return f"`{scope}`"
