"""Members of a body: which are written, which are only shown by a GET, and which are unknown.

An unknown member is reported with the nearest name that callers may know. A member that is only
shown is left to ``unchanged``: it must be sent back with the value that is stored.
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
    """The members that one kind of body may have.

    Attributes:
        written: The names of fields that the body writes.
        validated_elsewhere: Names that other code validates: relations, and the properties of the
            option ``bodies``.
        read_only: Names that a GET shows, but that this body does not write.
        hints: Names that a refusal may suggest; never those of hidden fields.
        open: Whether hooks validate all other names.
    """

    written: frozenset[str]
    validated_elsewhere: frozenset[str]
    read_only: frozenset[str]
    hints: Sequence[str]
    open: bool = False

    @classmethod
    def of(
        cls,
        serializer: Serializer,
        written: Iterable[Field],
        validated_elsewhere: Collection[str] = (),
        schema: Mapping[str, Any] | None = None,
    ) -> "AllowedMembers":
        """Compile the members of a view's bodies.

        Args:
            serializer: The rows as a GET shows them.
            written: The fields that the body writes.
            validated_elsewhere: The relations that it may write.
            schema: What the option ``bodies`` says of the body, if anything. Its ``properties``
                are known names; a schema without them, or with ``additionalProperties``, leaves
                all names to the hooks.
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
            hints=tuple(dict.fromkeys((*shown, *properties))),
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
        """Report unknown members, and return the names that are only shown.

        Args:
            body: The JSON object.
            errors: Collects the unknown members.
            prefix: Precedes names in errors, for nested bodies.
            lenient: Whether to pass over everything that is not written.
            hint: Whether to look for the nearest known name, which takes 30 µs a member.
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
                report_unknown(name, self.hints if hint else None, errors, prefix)
        return tuple(name for name in others if name in self.read_only)


@dataclass(frozen=True, slots=True)
class ActionMembers:
    """The members that the bodies of a resource may have, by action."""

    create: AllowedMembers
    update: AllowedMembers


def rejects_empty(fields: Fields) -> bool:
    """Return whether a new row of which nothing is given would hold nothing but nulls."""
    others = [f for f in fields if not (f.managed or f.computed or f in fields.key)]
    stored = [field for field in others if field.column.computed is None]
    return bool(stored) and not any(
        field.has_default or field.column.server_default is not None for field in stored
    )


def report_unknown(
    name: str, known: Sequence[str] | None, errors: ValidationErrors, prefix: str = ""
) -> None:
    """Report a member that the body cannot have, with the nearest name that it can.

    Args:
        name: The member.
        known: What it may have been meant to be; None to look for nothing.
        errors: Collects it.
        prefix: Precedes the name, for nested bodies.
    """
    if errors.is_full:
        return
    if known is None:
        errors.add(prefix + name[:SHOWN], INVALID, "is not a member of this body")
        return
    hint = suggest(name, known)
    errors.add(prefix + name[:SHOWN], INVALID, f"is not a member of this body; {hint}")


def report_read_only(name: str, errors: ValidationErrors, prefix: str = "") -> None:
    """Report a member that cannot be written and differs from what is stored."""
    errors.add(prefix + name, INVALID, "is read-only")
