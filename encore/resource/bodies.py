"""The bodies of a resource's create and update: which fields and members they may contain."""

from encore.errors import ConfigurationError
from encore.models.fields import Field, Fields
from encore.options import ResourceOptions
from encore.resource.field_names import find_field
from encore.resource.paths import ResourcePaths
from encore.serializers.serializer import Serializer
from encore.validation.members import ActionMembers, AllowedMembers, rejects_empty
from encore.validation.nested import NestedBodyParser


class ResourceBodies:
    """What clients may write.

    Args:
        options: The resource's options.
        serializer: The serializer of its rows.
        paths: Its paths; the fields of the key cannot be changed.

    Attributes:
        creatable: The fields that clients may write in a new row.
        updatable: The fields that clients may write in a stored row.
        read_only: The attributes that the option ``read_only_attributes`` names.
        required: The fields of ``creatable`` that the body of a new row must have.
        unseen: The attributes of ``updatable`` that no GET shows: replacing the row keeps them.
        nameable: The fields that errors may name.
        nested: The parser of related rows in a body.
        members: The members of the bodies of create and update.
        rejects_empty: Whether a new row would contain nulls alone if its body is empty.

    Raises:
        ConfigurationError: From the constructor: an option names a field that does not exist.
    """

    def __init__(
        self, options: ResourceOptions, serializer: Serializer, paths: ResourcePaths
    ) -> None:
        fields, shown = serializer.fields, serializer.shown
        read_only = {
            find_field(fields, name, resource=options.model.__name__, option="read_only_attributes")
            for name in options.read_only_attributes
        }
        self.read_only = frozenset(field.attribute for field in read_only)
        # A relation that is shown may be written, even if its foreign key is hidden.
        settable = tuple(f for f in fields if not (f.read_only or f in read_only))
        fixed = {*fields.key, *(field for _, field in paths.key_parameters)}
        self.creatable = tuple(f for f in settable if f in serializer.writable)
        self.updatable = tuple(f for f in self.creatable if f not in fixed)
        self.required = frozenset(f for f in self.creatable if f.required) - {
            self._find_set_by_hooks(options, fields, name) for name in options.set_by_hooks
        }
        self.unseen = frozenset(f.attribute for f in self.updatable if f.name not in shown)
        self.nameable = tuple(f for f in fields if f.name in shown or f in self.creatable)
        self.nested = NestedBodyParser(
            serializer,
            creatable=settable,
            updatable=[f for f in settable if f not in fixed],
            arrays=options.nested_arrays,
        )
        schemas = options.bodies
        self.members = ActionMembers(
            create=AllowedMembers.of(
                serializer, self.creatable, self.nested.creates, schemas.get("create")
            ),
            update=AllowedMembers.of(
                serializer, self.updatable, self.nested.updates, schemas.get("update")
            ),
        )
        self.rejects_empty = rejects_empty(fields)

    def _find_set_by_hooks(self, options: ResourceOptions, fields: Fields, name: str) -> Field:
        resource, option = options.model.__name__, "set_by_hooks"
        field = find_field(fields, name, resource=resource, option=option)
        if field not in self.creatable or not field.required:
            message = f"{name!r} is not a required field that clients may write"
            raise ConfigurationError(resource, option, message)
        return field
