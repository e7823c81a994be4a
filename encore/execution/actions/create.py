"""Create: one new row, with the related rows that its body makes or links."""

from collections.abc import Sequence
from urllib.parse import quote

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import ValidationFailed
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.context import Context
from encore.execution.resource import Resource
from encore.execution.stored_row import report_contradictions
from encore.models.fields import Field, default_values
from encore.validation import body as bodies
from encore.validation.body import ValidationErrors
from encore.validation.members import report_read_only
from encore.validation.nested import ParseOptions
from encore.validation.unchanged import decode_record, report_changed


class Create(Action):
    """Create a row; answers 201, the row, and where it is."""

    name = "create"
    produces = JSON_ONLY
    status = 201
    reads_body = True
    writes = True

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self._key_place = resource.serializer.place(resource.fields.key[0].column)

    def parse_request(self, context: Context) -> None:
        """Validate the body."""
        resource, body = self.resource, context.given
        resource.reject_parameters(context.scope)
        errors = ValidationErrors()
        plain = resource.bodies.members.create.written.issuperset(body)
        if not plain:
            self._read_others(context, errors)
        by_nested = resource.nested.sets(context.nested)
        attributes = bodies.validate_create(
            body,
            resource.bodies.creatable,
            errors,
            set_elsewhere=resource.attributes
            if self.hooked
            else by_nested | resource.bodies.read_only,
        )
        if not plain:
            report_contradictions(context.nested, body, attributes, resource.fields, errors)
        resource.locations.check(attributes, errors)
        errors.check()
        context.take_attributes(attributes)

    def _read_others(self, context: Context, errors: ValidationErrors) -> None:
        """Read related rows; keep what must be as the new row shows it, and report the rest."""
        resource, body = self.resource, context.given
        lenient = resource.ignores_members(context.scope)
        context.read_only = resource.bodies.members.create.check(body, errors, lenient=lenient)
        for name in context.read_only:
            if name not in resource.serializer.shown:
                report_read_only(name, errors)
        reading = ParseOptions(errors, new=True, hooked=self.hooked, lenient=lenient)
        context.nested = resource.bodies.nested.parse(body, reading)
        if context.read_only:
            context.unit.run_several()

    async def write(self, context: Context) -> None:
        """Insert the row with its related ones, and take it back as the database has it."""
        resource, attributes = self.resource, context.attributes
        if not attributes and resource.bodies.rejects_empty:
            self._check_not_empty(context)
        in_session = self.needs_session(context.nested)
        missing = [f for f in resource.default_fields if f.attribute not in attributes]
        if in_session:  # Other defaults are the session's: they may ask for its context.
            missing = [field for field in missing if field.managed]
        for field, value in default_values(missing):
            attributes[field.attribute] = value
        if self.hooked:
            self._check_complete(context)
            self._check_additions(context)
        row = await (self._create_in_session if in_session else self._insert)(context)
        if row is None:
            raise NotWritten("the session's INSERT left no row")
        await self._take_row(context, row)
        if context.read_only:
            errors, shown = ValidationErrors(), decode_record(context.instance)
            report_changed(resource.serializer, context.given, context.read_only, shown, errors)
            errors.check()

    async def _create_in_session(self, context: Context) -> Row | None:
        row = await session_rows.create_row(self.resource, context)
        written, _ = self.resource.fields.ordered(context.attributes)
        await self._advance(await context.connection(), written)
        return row

    async def _insert(self, context: Context) -> Row | None:
        """Insert the row by one statement, with its related ones."""
        resource, attributes = self.resource, context.attributes
        connection = await context.connection()
        if context.nested:
            await resource.nested.write_before(connection, context)
        written, values = resource.fields.ordered(attributes)
        row = await connection.fetch_one(resource.statements.insert(written), values)
        row = await self._whole(connection, row)
        if row is None or row[self._key_place] is None:
            raise NotWritten("INSERT returned no row, or one without its key")
        await self._advance(connection, written)
        return await self._write_after(connection, context, row)

    def _check_not_empty(self, context: Context) -> None:
        written = self.resource.bodies.members.create.written
        if not context.nested and written.isdisjoint(context.given):
            raise ValidationFailed("The body is empty: the row would hold nothing but nulls")

    def _check_complete(self, context: Context) -> None:
        errors = ValidationErrors()
        by_nested = self.resource.nested.sets(context.nested)
        given = {**dict.fromkeys(by_nested), **context.attributes}
        bodies.check_complete(given, self.resource.bodies.nameable, errors)
        errors.check()

    async def _advance(self, connection: Connection, written: Sequence[Field]) -> None:
        """Have the numbering go on behind a key that the caller chose."""
        generated = self.resource.identity_field
        if generated is None or generated not in written:
            return
        statement = self.resource.statements.advance(generated)
        if statement is not None:
            await connection.fetch_all(statement, ())

    async def send(self, context: Context) -> None:
        """Answer with the row and its ``Location``."""
        if context.rows:  # A hook may have made an instance of its own.
            record = context.instance
            if self.reworked:
                (record,) = self.resource.serializer.read_rows(context.rows)
            location = self.resource.location(record)
            root: str = context.scope.get("root_path", "")
            if location is not None:  # Behind the mount, where the application is in another one.
                context.headers.append((b"location", quote(root).encode() + location))
        await super().send(context)
