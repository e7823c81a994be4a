"""Create: one new row, with the related rows that its body creates or connects."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.types import Scope

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import ValidationFailed
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, Action, C
from encore.execution.context import Headers
from encore.execution.resource import Resource
from encore.execution.stored_row import report_contradictions
from encore.models.fields import Field, default_values
from encore.query.write_parameters import DRY_RUN
from encore.validation import body as validation
from encore.validation.body import Attributes, ValidationErrors
from encore.validation.members import report_read_only
from encore.validation.nested import ParseOptions
from encore.validation.unchanged import decode_record, report_changed


class Create(Action[C]):
    """Create a row; the response is 201, the row, and its ``Location``."""

    name = "create"
    produces = JSON_ONLY
    status = 201
    reads_body = True
    writes = True
    parameters: tuple[str, ...] = (DRY_RUN,)
    is_tagged = True

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self._key_index = resource.serializer.column_index(resource.fields.key[0].column)

    def parse_body(self, context: C) -> None:
        """Validate the body."""
        resource, body = self.resource, context.request_body
        errors = ValidationErrors()
        only_written = resource.bodies.members.create.written.issuperset(body)
        if not only_written:
            self._parse_unwritten(context, errors)
        by_path = self._path_attributes(context, errors)
        by_nested = resource.nested.sets(context.nested)
        attributes = validation.validate_create(
            body,
            resource.bodies.creatable,
            errors,
            set_elsewhere=resource.attributes
            if self.has_hooks
            else by_nested | resource.bodies.read_only | by_path.keys(),
        )
        attributes |= by_path
        if not only_written:
            report_contradictions(context.nested, body, attributes, resource.fields, errors)
        resource.locations.check(attributes, errors)
        errors.check()
        context.take_attributes(attributes)

    def _path_attributes(self, context: C, errors: ValidationErrors) -> Attributes:  # noqa: ARG002 - for subclasses
        """Return what the path says of the new row, by attribute names."""
        return {}

    def _parse_unwritten(self, context: C, errors: ValidationErrors) -> None:
        """Parse related rows, note the members that the new row must show, report the others."""
        resource, body = self.resource, context.request_body
        lenient = resource.ignores_members(context.scope)
        context.read_only = resource.bodies.members.create.check(body, errors, lenient=lenient)
        for name in context.read_only:
            field = resource.fields.by_name.get(name)
            is_assigned = field is not None and field.autoincrement  # Nobody can know its value.
            if is_assigned or name not in resource.serializer.shown:
                report_read_only(name, errors)
        options = ParseOptions(errors, new=True, hooked=self.has_hooks, lenient=lenient)
        context.nested = resource.bodies.nested.parse(body, options)
        if context.read_only:
            context.unit.run_several()

    async def write(self, context: C) -> None:
        """Insert the row with its related ones, and read it back as it is stored."""
        resource, attributes = self.resource, context.attributes
        if not attributes and resource.bodies.rejects_empty:
            self._check_not_empty(context)
        in_session = self.needs_session(context.nested)
        missing = [f for f in resource.default_fields if f.attribute not in attributes]
        if in_session:  # The session sets other defaults: they may need its context.
            missing = [field for field in missing if field.managed]
        for field, value in default_values(missing):
            dict.__setitem__(attributes, field.attribute, value)  # Hooks may not set all of them.
        if self.has_hooks:
            self._check_complete(context)
            self._check_additions(context)
        if resource.references.are_set(attributes):
            context.unit.run_several()
            await resource.references.check(await context.connection(), attributes)
        row = await (self._insert_in_session if in_session else self._insert)(context)
        if row is None:
            raise NotWritten("the session's INSERT left no row")
        await self._set_instance(context, row)
        if context.read_only:
            errors, shown = ValidationErrors(), decode_record(context.instance)
            body, names = context.request_body, context.read_only
            report_changed(resource.serializer, body, names, shown, errors)
            errors.check()

    async def _insert_in_session(self, context: C) -> Row | None:
        row = await session_rows.create_row(self.resource, context)
        written, _ = self.resource.fields.ordered(context.attributes)
        await self._advance_sequence(await context.connection(), written)
        return row

    async def _insert(self, context: C) -> Row | None:
        """Insert the row by one statement, with its related ones."""
        resource, attributes = self.resource, context.attributes
        connection = await context.connection()
        if context.nested:
            await resource.nested.write_before(connection, context)
        written, values = resource.fields.ordered(attributes)
        row = await connection.fetch_one(resource.statements.insert(written), values)
        row = await self._read_back(connection, row)
        if row is None or row[self._key_index] is None:
            raise NotWritten("INSERT returned no row, or one without its key")
        await self._advance_sequence(connection, written)
        return await self._write_nested_after(connection, context, row)

    def _check_not_empty(self, context: C) -> None:
        written = self.resource.bodies.members.create.written
        if not context.nested and written.isdisjoint(context.request_body):
            raise ValidationFailed("The body is empty: the row would hold nothing but nulls")

    def _check_complete(self, context: C) -> None:
        errors = ValidationErrors()
        by_nested = self.resource.nested.sets(context.nested)
        attributes = {**dict.fromkeys(by_nested), **context.attributes}
        validation.check_complete(attributes, self.resource.bodies.nameable, errors)
        errors.check()

    async def _advance_sequence(self, connection: Connection, written: Sequence[Field]) -> None:
        """Advance the database's numbering past a key that the caller chose."""
        identity_field = self.resource.identity_field
        if identity_field is None or identity_field not in written:
            return
        statement = self.resource.statements.advance(identity_field)
        if statement is not None:
            await connection.fetch_all(statement, ())

    async def send(self, context: C) -> None:
        """Send the row and its ``Location``."""
        if context.rows:  # Not if a hook has made another instance.
            record = context.instance
            if self.exposes_instance:
                (record,) = self.resource.serializer.read_rows(context.rows)
            context.headers += location_headers(self.resource, record, context.scope)
        await super().send(context)


def location_headers(resource: Resource, record: Any, scope: Scope) -> Headers:
    """Return the ``Location`` of a record; nothing if no path can contain its key."""
    location = resource.location(record)
    if location is None:
        return []
    root: str = scope.get("root_path", "")  # If the application is mounted in another.
    return [(b"location", quote(root).encode() + location)]
