"""Update: changes a stored row, in part or as a whole."""

from urllib.parse import quote

from msgspec import UNSET
from sqlalchemy import JSON

from encore.database.capabilities import capabilities_of
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, C
from encore.execution.actions.row import RowAction, single_row
from encore.execution.context import UndecidedBody
from encore.execution.nested.arrays import resolve_array
from encore.execution.resource import Resource
from encore.execution.session_writes import python_reader
from encore.execution.stored_row import StoredRow
from encore.models.defaults import has_sql_default
from encore.models.fields import DriverValue
from encore.models.types.registry import storage_type
from encore.query.write_parameters import DRY_RUN, without_write_parameters
from encore.serializers.stored_text import ambiguous_fields, is_shown_as
from encore.validation import body as validation
from encore.validation.body import Attributes, ValidationErrors
from encore.validation.members import report_read_only
from encore.validation.nested import NestedBody, ParseOptions
from encore.validation.unchanged import is_driver_value


class Update(RowAction[C]):
    """Change the members that the body contains; the response is the whole row."""

    name = "update"
    produces = JSON_ONLY
    reads_body = True
    writes = True
    parameters = (DRY_RUN,)
    is_tagged = True
    judges_preconditions = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        replaceable = resource.bodies.updatable if resource.options.put_replaces else ()
        self._default_fields = tuple(
            field
            for field in replaceable
            if has_sql_default(field.column) and field.attribute not in resource.bodies.unseen
        )
        if self._default_fields:  # They are read by another statement.
            self.single = False

    def parse_body(self, context: C) -> None:
        """Validate the body."""
        resource, body = self.resource, context.request_body
        fields, unseen = resource.bodies.updatable, resource.bodies.unseen
        errors = ValidationErrors()
        if resource.options.put_replaces and context.scope["method"] == "PUT":
            attributes = validation.validate_replace(body, fields, errors, unseen)
        else:
            attributes = validation.validate_update(body, fields, errors)
        if not resource.bodies.members.update.written.issuperset(body):
            self._parse_unwritten(context, attributes, errors)
        invalid = frozenset(error["field"] for error in errors.found)
        if ambiguous := ambiguous_fields(body, fields, invalid):
            by_hooks = context.attributes.keys()
            context.undecided = UndecidedBody(
                [field for field in ambiguous if field.attribute not in by_hooks], errors
            )
            context.unit.run_several()
        else:
            errors.check()
        context.take_attributes(attributes)

    def _parse_unwritten(
        self, context: C, attributes: Attributes, errors: ValidationErrors
    ) -> None:
        """Parse related rows, note the members that must be unchanged, and report the others."""
        resource, body = self.resource, context.request_body
        lenient = resource.ignores_members(context.scope)
        read_only = resource.bodies.members.update.check(body, errors, lenient=lenient)
        if not self.has_hooks:  # A hook may set another key than the path's.
            read_only = self._check_key(context, read_only, errors)
        options = ParseOptions(errors, new=False, hooked=self.has_hooks, lenient=lenient)
        context.nested = resource.bodies.nested.parse(body, options)
        for nested in context.nested:  # The object sets its foreign key, not a default.
            for field in map(resource.fields.get_by_column, nested.relation.foreign_key):
                if field.name not in body:
                    attributes.pop(field.attribute, None)
        context.read_only = read_only
        if read_only or context.nested:
            context.unit.run_several()

    def _check_key(
        self, context: C, names: tuple[str, ...], errors: ValidationErrors
    ) -> tuple[str, ...]:
        """Compare the key in the body with the path's; return the other names."""
        key = dict(zip(self.resource.path_fields, context.key_values, strict=True))
        others = []
        for name in names:
            field = self.resource.fields.by_name.get(name)
            if field is None or (name, field) not in key:
                others.append(name)
            elif not is_driver_value(field, context.request_body[name], key[name, field]):
                report_read_only(name, errors)
        return tuple(others)

    async def resolve_undecided(self, context: C) -> None:
        """Keep stored values that do not fit and that the body repeats as they were shown.

        Raises:
            ValidationFailed: Something else of the body is invalid.
        """
        undecided = context.undecided
        if undecided is None:
            return
        connection = await context.connection()
        row = await connection.fetch_one(self._statements(context).read(), context.key_values)
        if row is not None:
            order = list(self.resource.fields)
            for field in undecided.fields:
                shown = context.request_body[field.name]
                if is_shown_as(field, row[order.index(field)], shown):
                    undecided.errors.discard(field.name)
                    context.attributes.pop(field.attribute, None)
        undecided.errors.check()

    async def data(self, context: C) -> None:
        """Compare the members that must be unchanged with the stored row, if there are any."""
        if self._needs_comparison(context):
            await self._compare(context)

    @staticmethod
    def _needs_comparison(context: C) -> bool:
        return bool(context.read_only) or any(nested.compares for nested in context.nested)

    async def _compare(self, context: C) -> None:
        conditions, values, reusable = self.row_conditions(context)
        connection = await context.connection()
        statement = self._statements(context).lock(conditions, keep=reusable)
        row = await connection.fetch_one(statement, (*values, *context.key_values))
        if row is None:
            raise NotFound
        body = context.request_body
        stored = await StoredRow.load(self.resource, connection, row, body)
        context.stored_row = stored
        changed = stored.check(body, context.read_only, context.nested, context.attributes)
        context.nested = [
            await self._resolve_array(connection, nested, stored) if nested.replaces else nested
            for nested in changed
        ]

    async def _resolve_array(
        self, connection: Connection, array: NestedBody, stored: StoredRow
    ) -> NestedBody:
        """Return an array that replaces all related rows, with the changes that it makes."""
        resource, relation = self.resource, array.relation
        key = resource.serializer.values(stored.row, [local for local, _ in relation.pairs])
        related, shown = resource.nested.related[relation.name], stored.shown[relation.name]
        return await resolve_array(connection, related, array, key, shown)

    async def write(self, context: C) -> None:
        """Update the row and read it back; a body without members changes nothing."""
        if self.has_hooks:
            self._check_additions(context)
            if context.stored_row is None and self._needs_comparison(context):
                await self._compare(context)  # A hook has replaced ``data``.
        if self._default_fields and context.scope["method"] == "PUT":
            await self._set_defaults(context)
        in_session = self.needs_session(context.nested)
        if self.resource.references.are_set(context.attributes):
            await self._check_references(context)
        row = await (self._update_in_session if in_session else self._update)(context)
        await self._set_instance(context, row)
        context.rows_found = True

    async def _check_references(self, context: C) -> None:
        """Raise ``Conflict`` if the row would refer to a deleted row to which it does not yet."""
        context.unit.run_several()
        connection = await context.connection()
        stored = context.stored_row
        row = await self._read_row(context) if stored is None else stored.row
        await self.resource.references.check(connection, context.attributes, stored=row)

    async def send(self, context: C) -> None:
        """Send the row, which is what a GET of the same path returns (RFC 9110, section 8.7)."""
        if self.is_tagged and not context.is_dry_run:
            scope = context.scope
            path = scope.get("raw_path") or quote(scope["path"]).encode()
            query = without_write_parameters(scope["query_string"], self.parameters)
            context.headers.append((b"content-location", path + b"?" + query if query else path))
        await super().send(context)

    async def _set_defaults(self, context: C) -> None:
        """Set the fields that a replacement omits to the defaults that SQL evaluates."""
        attributes, body = context.attributes, context.request_body
        omitted = tuple(
            field
            for field in self._default_fields
            if field.name not in body and field.attribute not in attributes
        )
        if not omitted:
            return
        connection = await context.connection()
        values = await connection.fetch_one(self.resource.statements.defaults(omitted), ())
        dialect = self.resource.statements.dialect
        parsed_json = capabilities_of(dialect).parsed_json
        for field, value in zip(omitted, values or (), strict=True):
            type_ = field.column.type
            if parsed_json and isinstance(storage_type(type_, dialect), JSON):
                # The driver takes text for JSON, but returns values.
                attributes[field.attribute] = python_reader(type_, dialect)(value)
            else:
                attributes[field.attribute] = DriverValue(value)

    async def _update_in_session(self, context: C) -> Row | None:
        row = await self._read_row(context)
        return None if row is None else await session_rows.update_row(self.resource, context, row)

    async def _update(self, context: C) -> Row | None:
        resource, attributes = self.resource, context.attributes
        connection = await context.connection()
        if context.nested:
            await resource.nested.write_before(connection, context)
        if context.stored_row is not None:
            attributes = context.stored_row.changed(attributes)
        found = self.row_conditions(context)
        statements, values = self._statements(context), (*found.values, *context.key_values)
        if not attributes:
            read = statements.read(found.conditions, keep=found.reusable)
            row = await connection.fetch_one(read, values)
        else:
            for field in resource.onupdate_fields:
                if (value := field.onupdate_value()) is not UNSET:
                    attributes[field.attribute] = value
            written, new = resource.fields.ordered(attributes)
            update = statements.update(written, found.conditions, keep=found.reusable)
            row = single_row(await connection.fetch_all(update, (*new, *values)))
            if row is None:
                await self._explain_missing(context, found)
            row = await self._read_back(connection, row)
        return None if row is None else await self._write_nested_after(connection, context, row)
