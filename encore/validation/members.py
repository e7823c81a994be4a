"""The members of a body: writable, read-only, or unknown.

An unknown member is an error that suggests a similar name of those that callers may know. A
read-only member is left to ``unchanged``: it must have the stored value.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encore.models.fields import Field, Fields
from encore.serializers.serializer import Serializer
from encore.suggestions import SHOWN, suggest
from encore.validation.body import INVALID, ValidationErrors


@dataclass(frozen=True, slots=True)
class AllowedMembers:
    """The members that the bodies of an action may have.

    Attributes:
        written: The names of the writable fields.
        validated_elsewhere: Names that other code validates: relations, and the properties of the
            option ``bodies``.
        read_only: The names in responses that these bodies do not write.
        suggestions: The names that an error may suggest; never those of hidden fields.
        open: Whether other names are left to hooks.
    """

    written: frozenset[str]
    validated_elsewhere: frozenset[str]
    read_only: frozenset[str]
    suggestions: Sequence[str]
    open: bool = False

    @classmethod
    def of(
        cls,
        serializer: Serializer,
        written: Iterable[Field],
        validated_elsewhere: Collection[str] = (),
        schema: Mapping[str, Any] | None = None,
    ) -> "AllowedMembers":
        """Return the allowed members of an action's bodies.

        Args:
            serializer: The serializer of responses.
            written: The writable fields.
            validated_elsewhere: The names of the writable relations.
            schema: The JSON schema of the body in the option ``bodies``, if any. Its
                ``properties`` are allowed; without them, or with ``additionalProperties``, all
                names are left to hooks.
        """
        names = frozenset(field.name for field in written)
        properties: Mapping[str, Any] = {} if schema is None else schema.get("properties", {})
        others = frozenset((*validated_elsewhere, *properties))
        shown = [*serializer.shown, *serializer.children]
        counts = [child.count_name for child in serializer.children.values() if child.count_name]
        return cls(
            written=names,
            validated_elsewhere=others - names,
            read_only=frozenset((*shown, *counts)) - names - others,
            suggestions=tuple(dict.fromkeys((*shown, *properties))),
            open=schema is not None
            and (not properties or bool(schema.get("additionalProperties"))),
        )

    def check(
        self,
        body: Mapping[str, Any],
        errors: ValidationErrors,
        *,
        prefix: str = "",
        lenient: bool = False,
        hint: bool = True,
    ) -> tuple[str, ...]:
        """Report unknown members, and return the names of the read-only members.

        Args:
            body: The JSON object.
            errors: Collects the errors.
            prefix: The path of a nested body, which precedes names in errors.
            lenient: Whether to ignore all members that are not written.
            hint: Whether to suggest a similar name, which takes 30 µs for each member.
        """
        if lenient or self.open or self.written.issuperset(body):
            return ()
        others = [
            name
            for name in body
            if name not in self.written and name not in self.validated_elsewhere
        ]
        for name in others:
            if name not in self.read_only:
                report_unknown(name, self.suggestions if hint else None, errors, prefix)
        return tuple(name for name in others if name in self.read_only)


@dataclass(frozen=True, slots=True)
class ActionMembers:
    """The allowed members of a resource's bodies, by action."""

    create: AllowedMembers
    update: AllowedMembers


def rejects_empty(fields: Fields) -> bool:
    """Return whether an empty body is invalid: a new row would consist of nulls only."""
    others = [f for f in fields if not (f.managed or f.computed or f in fields.key)]
    stored = [field for field in others if field.column.computed is None]
    return bool(stored) and not any(
        field.has_default or field.column.server_default is not None for field in stored
    )


def report_unknown(
    name: str, known: Sequence[str] | None, errors: ValidationErrors, prefix: str = ""
) -> None:
    """Add the error of an unknown member.

    Args:
        name: The member's name.
        known: The names that may be suggested; None for no suggestion.
        errors: Collects the error.
        prefix: The path of a nested body, which precedes the name.
    """
    if errors.is_full:
        return
    if known is None:
        errors.add(prefix + name[:SHOWN], INVALID, "is not a member of this body")
        return
    hint = suggest(name, known)
    errors.add(prefix + name[:SHOWN], INVALID, f"is not a member of this body; {hint}")


def report_read_only(name: str, errors: ValidationErrors, prefix: str = "") -> None:
    """Add the error of a read-only member that differs from the stored value."""
    errors.add(prefix + name, INVALID, "is read-only")
