"""Update: a stored row changed as its body says, as a whole or in part."""

from msgspec import UNSET
from sqlalchemy import JSON

from encore.database.capabilities import capabilities_of
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY
from encore.execution.actions.row import RowAction, only
from encore.execution.context import Context
from encore.execution.nested import arrays
from encore.execution.resource import Resource
from encore.execution.session_writes import python_reader
from encore.execution.stored_row import StoredRow
from encore.models.defaults import has_sql_default
from encore.models.fields import DriverValue
from encore.models.types.registry import storage_type
from encore.serializers.stored_text import doubtful, shown_as
from encore.validation import body as bodies
from encore.validation.body import Attributes, ValidationErrors
from encore.validation.members import report_read_only
from encore.validation.nested import NestedBody, ParseOptions
from encore.validation.unchanged import is_driver_value


class Update(RowAction):
    """Change what the body names; answers the whole row."""

    name = "update"
    produces = JSON_ONLY
    reads_body = True
    writes = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        replaceable = resource.bodies.updatable if resource.options.put_replaces else ()
        self._default_fields = tuple(
            field
            for field in replaceable
            if has_sql_default(field.column) and field.attribute not in resource.bodies.unseen
        )
        if self._default_fields:  # Read by a statement of its own.
            self.single = False

    def parse_request(self, context: Context) -> None:
        """Parse path, query and body."""
        super().parse_request(context)
        resource, body = self.resource, context.given
        errors = ValidationErrors()
        replaces = resource.options.put_replaces and context.scope["method"] == "PUT"
        if replaces:
            attributes = bodies.validate_replace(
                body, resource.bodies.updatable, errors, resource.bodies.unseen
            )
        else:
            attributes = bodies.validate_update(body, resource.bodies.updatable, errors)
        if not resource.bodies.members.update.written.issuperset(body):
            self._read_others(context, attributes, errors)
        refused = frozenset(error["field"] for error in errors.found)
        if fields := doubtful(body, resource.bodies.updatable, refused):
            read_only_attributes = frozenset(context.attributes)
            context.doubtful = (
                [f for f in fields if f.attribute not in read_only_attributes],
                errors,
            )
            context.unit.run_several()
        else:
            errors.check()
        context.take_attributes(attributes)

    def _read_others(
        self, context: Context, attributes: Attributes, errors: ValidationErrors
    ) -> None:
        """Read related rows; keep what must be as it is stored, and report the rest."""
        resource, body = self.resource, context.given
        lenient = resource.ignores_members(context.scope)
        read_only = resource.bodies.members.update.check(body, errors, lenient=lenient)
        if not self.hooked:  # A hook may put another key in the place of the path's.
            read_only = self._check_key(context, read_only, errors)
        reading = ParseOptions(errors, new=False, hooked=self.hooked, lenient=lenient)
        context.nested = resource.bodies.nested.parse(body, reading)
        for one in context.nested:  # Its foreign key is the object's business, not a default's.
            for field in map(resource.fields.get_by_column, one.relation.foreign_key):
                if field.name not in body:
                    attributes.pop(field.attribute, None)
        context.read_only = read_only
        if read_only or context.nested:
            context.unit.run_several()

    def _check_key(
        self, context: Context, names: tuple[str, ...], errors: ValidationErrors
    ) -> tuple[str, ...]:
        """Compare the key in the body with the path's; return the other names."""
        key = dict(zip(self.resource.path_fields, context.key_values, strict=True))
        left = []
        for name in names:
            field = self.resource.fields.by_name.get(name)
            if field is None or (name, field) not in key:
                left.append(name)
            elif not is_driver_value(field, context.given[name], key[name, field]):
                report_read_only(name, errors)
        return tuple(left)

    async def data(self, context: Context) -> None:
        """Compare what the body must not change with the stored row, where it has any of that."""
        if self._compares(context):
            await self._compare(context)

    @staticmethod
    def _compares(context: Context) -> bool:
        return bool(context.read_only) or any(one.compares for one in context.nested)

    async def _compare(self, context: Context) -> None:
        conditions, values, keep = self._narrowed(context)
        connection = await context.connection()
        statement = self._statements(context).lock(conditions, keep=keep)
        row = await connection.fetch_one(statement, (*values, *context.key_values))
        if row is None:
            raise NotFound
        context.stored = await StoredRow.of(self.resource, connection, row, context.given)
        context.nested = context.stored.check(
            context.given, context.read_only, context.nested, context.attributes
        )
        context.nested = [
            await self._settle_array(connection, one, context.stored) if one.replaces else one
            for one in context.nested
        ]

    async def _settle_array(
        self, connection: Connection, array: NestedBody, stored: StoredRow
    ) -> NestedBody:
        """Find out what an array changes that becomes the stored set."""
        resource, relation = self.resource, array.relation
        own = resource.serializer.values(stored.row, [local for local, _ in relation.pairs])
        related, shown = resource.nested.related[relation.name], stored.shown[relation.name]
        return await arrays.settle(connection, related, array, own, shown)

    async def settle(self, context: Context) -> None:
        """Leave stored values alone that do not fit and are sent back as they were shown.

        Raises:
            ValidationFailed: Something else of the body is wrong.
        """
        assert context.doubtful is not None  # noqa: S101 - the plan looked
        fields, errors = context.doubtful
        connection = await context.connection()
        row = await connection.fetch_one(self._statements(context).read(), context.key_values)
        order = list(self.resource.fields)
        for field in fields if row is not None else ():
            if shown_as(field, row[order.index(field)], context.given[field.name]):  # type: ignore[index] # there is a row
                errors.discard(field.name)
                context.attributes.pop(field.attribute, None)
        errors.check()

    async def write(self, context: Context) -> None:
        """Update the row and take it back; a body that names nothing changes nothing."""
        if self.hooked:
            self._check_additions(context)
            if context.stored is None and self._compares(context):
                await self._compare(context)  # A hook stands in the place of ``data``.
        if self._default_fields and context.scope["method"] == "PUT":
            await self._set_defaults(context)
        in_session = self.needs_session(context.nested)
        row = await (self._update_in_session if in_session else self._update)(context)
        await self._take_row(context, row)
        context.settled = True

    async def _set_defaults(self, context: Context) -> None:
        """Set what a replacement leaves out to the defaults that SQL evaluates."""
        attributes, given = context.attributes, context.given
        left_out = tuple(
            f for f in self._default_fields if f.name not in given and f.attribute not in attributes
        )
        if not left_out:
            return
        connection = await context.connection()
        values = await connection.fetch_one(self.resource.statements.defaults(left_out), ())
        dialect = self.resource.statements.dialect
        parsed_json = capabilities_of(dialect).parsed_json
        for field, value in zip(left_out, values or (), strict=True):
            kind = field.column.type
            if parsed_json and isinstance(storage_type(kind, dialect), JSON):
                # The driver takes text for JSON, but gives values.
                attributes[field.attribute] = python_reader(kind, dialect)(value)
            else:
                attributes[field.attribute] = DriverValue(value)

    async def _update_in_session(self, context: Context) -> Row | None:
        row = await self._find(context)
        return None if row is None else await session_rows.update_row(self.resource, context, row)

    async def _update(self, context: Context) -> Row | None:
        resource, attributes = self.resource, context.attributes
        connection = await context.connection()
        if context.nested:
            await resource.nested.write_before(connection, context)
        if context.stored is not None:
            attributes = context.stored.changed(attributes)
        conditions, narrowing, keep = self._narrowed(context)
        statements, values = self._statements(context), (*narrowing, *context.key_values)
        if not attributes:
            row = await connection.fetch_one(statements.read(conditions, keep=keep), values)
        else:
            for field in resource.onupdate_fields:
                if (value := field.onupdate_value()) is not UNSET:
                    attributes[field.attribute] = value
            written, new = resource.fields.ordered(attributes)
            statement = statements.update(written, conditions, keep=keep)
            row = only(await connection.fetch_all(statement, (*new, *values)))
            if row is None:
                await self._explain_missing(context, conditions, values)
            row = await self._whole(connection, row)
        return None if row is None else await self._write_after(connection, context, row)
