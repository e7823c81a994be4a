"""The five actions: for each, how it reads its request and what its milestones do.

An action receives its body first, before any transaction is open, so that a slow caller holds up
no other. Hooks of ``start`` and ``auth`` come next; then path, query and body are parsed, still
before any transaction: a caller whom a hook refuses learns no field names. The other steps are
named after the milestones they belong to (``plan``).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn
from urllib.parse import quote

from msgspec import UNSET
from starlette.types import Receive

from api.crud.associations import arrays
from api.crud.associations.additions import check_additions
from api.crud.associations.nested import Nested, Reading
from api.crud.execution import bodies, session_writes
from api.crud.execution.bodies import Attributes, Errors
from api.crud.execution.context import Context
from api.crud.execution.hook_errors import HookError
from api.crud.execution.members import report_read_only
from api.crud.execution.statements import Statements
from api.crud.execution.stored import StoredRow, report_contradictions
from api.crud.execution.unchanged import as_shown, is_driver_value, report_changed
from api.crud.models.defaults import has_sql_default
from api.crud.query import Condition
from api.crud.views.fields import Field, Raw, initial_values
from api.crud.views.invalid_values import HEADER, doubtful, shown_as
from api.crud.views.records import encode_counting, hide, with_added
from api.errors import NotFound, ValidationFailed
from api.http.body import read_json_object
from api.http.forms import read_json_or_form
from db.connection import Connection
from db.errors import NotWritten, SeveralRows
from db.statement import Row, Values

if TYPE_CHECKING:
    from api.crud.resource import Resource

_JSON: Final = (b"content-type", b"application/json")
JSON_ONLY: Final = ("application/json",)


class Action:
    """One action of one resource.

    Attributes:
        name: Finale's.
        status: What it answers with, where a hook sets no other.
        reads_body: Whether its request has a JSON object (or a form, where the resource is
            compatible with an API that reads forms) as its body.
        writes: Whether it needs a transaction that may change something.
        single: Whether it runs one statement at most.
        hooked: Whether there are hooks; what they may still set is then not asked of the body.
        produces: The media types that it answers with, to be held against ``Accept``; empty where
            it negotiates by itself.
        reworked: Whether hooks see the instance before it is sent, and may change it.
        by_key: Whether it finds one row by its key.
        only_for_hooks: Milestones whose work is of use to hooks alone: without any it is left
            out, since a later statement does the same on its way.
    """

    name: ClassVar[str]
    status: ClassVar[int] = 200
    reads_body: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    produces: ClassVar[tuple[str, ...]] = ()
    by_key: ClassVar[bool] = False
    only_for_hooks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, resource: "Resource") -> None:
        self.resource = resource
        # What a view's triggers or rules did is undone where they return no whole row.
        plain = resource.statements.returns_rows and not resource.is_view
        self.single = not resource.view.children and (plain or not self.writes)
        self.hooked = False
        self.reworked = False
        reads_forms = resource.compatibility.reads_forms
        self._read_body = read_json_or_form if reads_forms else read_json_object

    async def receive(self, context: Context, receive: Receive) -> None:
        """Receive and decode the body; what its members say is not validated yet.

        Raises:
            ApiError: The body is too large, of another media type, or not a JSON object.
        """
        if self.reads_body:
            context.given = await self._read_body(context.scope, receive, self.resource.body_limit)

    def parse_request(self, context: Context) -> None:
        """Validate path, query and body; by default, refuse every query parameter.

        Hooks of ``start`` and ``auth`` have run: what they set on the context overrides what the
        request says, and what they changed in ``context.given`` is what is validated.
        """
        self.resource.refuse_parameters(context.scope)

    async def settle(self, context: Context) -> None:
        """Decide about what ``parse_request`` could not tell without the row."""

    def needs_session(self, nested: Sequence[Nested] = ()) -> bool:
        """Tell whether what this action writes goes through an ORM session."""
        resource = self.resource
        if not self.writes:
            return False
        reasons = resource.session_writes.behaviour.reasons(self.name)
        return bool(reasons) or (bool(nested) and resource.session_nested.needed(nested))

    async def send(self, context: Context) -> None:
        """Make the response from the instance, leaving out what was not asked for."""
        self._conceal(context)
        context.headers.append(_JSON)
        instance = with_added(context.instance) if self.reworked else context.instance
        context.body, invalid = encode_counting(instance)
        if invalid:
            context.headers.append((HEADER, str(invalid).encode()))

    def _conceal(self, context: Context) -> None:
        shown = None if context.query is None else context.query.shown
        if shown is None:
            return
        instance = context.instance
        records = instance if isinstance(instance, list) else [instance]
        counts = {c.count_name for n, c in self.resource.view.children.items() if n in shown}
        left_out = self.resource.view.record.__struct_fields__
        hide(records, [name for name in left_out if name not in shown and name not in counts])

    async def _whole(self, connection: Connection, written: Row | None) -> Row | None:
        """Return the row that was written, as it is stored now."""
        statements = self.resource.statements
        if written is None or statements.returns_rows:
            return written
        return await connection.fetch_one(statements.stored(), tuple(written))

    async def _take_row(self, context: Context, row: Row | None) -> None:
        """Make the row the context's instance, related rows and all. Raises ``NotFound``."""
        if row is None:
            raise NotFound
        context.rows = (row,)
        (context.instance,) = self.resource.view.read_rows(context.rows)
        if self.resource.options.reload_instances or not self.writes:
            await self._embed(context, [context.instance])

    async def _embed(self, context: Context, records: Sequence[Any]) -> None:
        resource, query = self.resource, context.query
        if not resource.view.children:
            return
        wanted = context.include
        children = None if query is None else query.children
        if context.shallow:
            wanted = children or ()
        elif children is not None:
            wanted = [name for name in children if wanted is None or name in wanted]
        if query is not None and query.shown is not None:
            wanted = [name for name in query.shown if wanted is None or name in wanted]
        await resource.embedder.embed(await context.connection(), context.rows, records, wanted)

    def _check_additions(self, context: Context) -> None:
        """Raise ``HookError`` if ``add_to_children`` names what no nested row has."""
        if given := context.add_to_children:
            check_additions(given, self.resource.view, self.resource.name)

    def _narrowed(self, context: Context) -> tuple[tuple[Condition, ...], tuple[Any, ...], bool]:
        """Give the conditions that rows must meet beside the key, and their values.

        Returns:
            Conditions, values, and whether a statement of this shape is worth keeping.
        """
        query = context.query
        criteria = context.narrowing
        if query is None and not criteria:
            return (), (), True
        conditions = () if query is None else query.shape.conditions
        values = () if query is None else query.values
        if not criteria:
            return conditions, values, True
        conditions = (*conditions, *criteria.conditions)
        return conditions, (*values, *criteria.values), criteria.reusable


class Create(Action):
    """``POST /parts``: 201, the row, and where it is."""

    name = "create"
    produces = JSON_ONLY
    status = 201
    reads_body = True
    writes = True

    def __init__(self, resource: "Resource") -> None:
        super().__init__(resource)
        self._key_place = resource.view.place(resource.fields.key[0].column)

    def parse_request(self, context: Context) -> None:
        """Validate the body."""
        resource, body = self.resource, context.given
        resource.refuse_parameters(context.scope)
        errors = Errors()
        plain = resource.members.create.written.issuperset(body)
        if not plain:
            self._read_others(context, errors)
        by_nested = resource.nested.sets(context.nested)
        attributes = bodies.read_new(
            body,
            resource.creatable,
            errors,
            given_elsewhere=resource.attributes if self.hooked else by_nested | resource.by_hooks,
        )
        if not plain:
            report_contradictions(context.nested, body, attributes, resource.fields, errors)
        resource.locations.check(attributes, errors)
        errors.check()
        context.take_attributes(attributes)

    def _read_others(self, context: Context, errors: Errors) -> None:
        """Read related rows; keep what must be as the new row shows it, and report the rest."""
        resource, body = self.resource, context.given
        lenient = resource.ignores_members(context.scope)
        context.read_only = resource.members.create.sort_out(body, errors, lenient=lenient)
        for name in context.read_only:
            if name not in resource.view.shown:
                report_read_only(name, errors)
        reading = Reading(errors, new=True, hooked=self.hooked, lenient=lenient)
        context.nested = resource.nested_reader.read(body, reading)
        if context.read_only:
            context.unit.run_several()

    async def write(self, context: Context) -> None:
        """Insert the row with its related ones, and take it back as the database has it."""
        resource, attributes = self.resource, context.attributes
        if not attributes and resource.refuses_empty:
            self._check_not_empty(context)
        in_session = self.needs_session(context.nested)
        missing = [f for f in resource.with_initial if f.attribute not in attributes]
        if in_session:  # Other defaults are the session's: they may ask for its context.
            missing = [field for field in missing if field.managed]
        for field, value in initial_values(missing):
            attributes[field.attribute] = value
        if self.hooked:
            self._check_complete(context)
            self._check_additions(context)
        row = await (session_writes.create(context) if in_session else self._insert(context))
        if row is None:
            raise NotWritten("the session's INSERT left no row")
        await self._take_row(context, row)
        if context.read_only:
            errors, shown = Errors(), as_shown(context.instance)
            report_changed(resource.view, context.given, context.read_only, shown, errors)
            errors.check()

    async def _insert(self, context: Context) -> Row | None:
        """Insert the row by one statement, with its related ones."""
        resource, attributes = self.resource, context.attributes
        connection = await context.connection()
        if context.nested:
            await resource.nested.write_before(connection, context)
        written, values = resource.ordered(attributes)
        row = await connection.fetch_one(resource.statements.insert(written), values)
        row = await self._whole(connection, row)
        if row is None or row[self._key_place] is None:
            raise NotWritten("INSERT returned no row, or one without its key")
        generated = resource.generated
        if generated is not None and generated in written:
            await self._advance(connection, generated)
        if context.nested:
            await resource.nested.write_after(connection, context, row)
        return row

    def _check_not_empty(self, context: Context) -> None:
        written = self.resource.members.create.written
        if not context.nested and written.isdisjoint(context.given):
            raise ValidationFailed("The body is empty: the row would hold nothing but nulls")

    def _check_complete(self, context: Context) -> None:
        errors = Errors()
        by_nested = self.resource.nested.sets(context.nested)
        given = {**dict.fromkeys(by_nested), **context.attributes}
        bodies.check_complete(given, self.resource.nameable, errors)
        errors.check()

    async def _advance(self, connection: Connection, generated: Field) -> None:
        statement = self.resource.statements.advance(generated)
        if statement is not None:
            await connection.fetch_all(statement, ())

    async def send(self, context: Context) -> None:
        """Answer with the row and its ``Location``."""
        if context.rows:  # A hook may have made an instance of its own.
            record = context.instance
            if self.reworked:
                (record,) = self.resource.view.read_rows(context.rows)
            location = self.resource.location(record)
            root: str = context.scope.get("root_path", "")
            if location is not None:  # Behind the mount, where the application is in another one.
                context.headers.append((b"location", quote(root).encode() + location))
        await super().send(context)


class List(Action):
    """``GET /parts``: an array, and ``Content-Range``."""

    name = "list"
    produces = JSON_ONLY

    def parse_request(self, context: Context) -> None:
        """Parse path and query."""
        context.key_values = self.resource.link_key_of(context.scope)
        context.query = self.resource.read_query(context.scope)

    async def fetch(self, context: Context) -> None:
        """Fetch one page, and count the whole where the page does not tell."""
        query, resource, statements = context.query, self.resource, self.resource.statements
        assert query is not None  # noqa: S101 - parse_request left it
        count, offset = self._page(context)
        conditions, bound, keep = self._narrowed(context)
        values = (*context.key_values, *bound)
        connection = await context.connection()
        page = statements.page(conditions, query.shape.order, keep=keep)
        context.rows = rows = await connection.fetch_all(page, (*values, count, offset))
        context.instance = records = resource.view.read_rows(rows)
        context.offset = offset
        await self._embed(context, records)
        if not resource.options.pagination:
            return
        if len(rows) < count and (rows or not offset):
            context.total = offset + len(rows)  # The last page ends where the list does.
        else:
            counting = statements.count(conditions, keep=keep)
            context.total = await connection.fetch_count(counting, values)

    @staticmethod
    def _page(context: Context) -> tuple[int, int]:
        """Give the page's size and offset: a hook's, or else the query's."""
        query = context.query
        assert query is not None  # noqa: S101 - parse_request left it
        if context.count is context.offset is context.page is None:
            return query.count, query.offset
        for name in ("count", "offset", "page"):
            value = getattr(context, name)
            if value is not None and (type(value) is not int or value < 0):
                text = f"{name} must be an integer of at least 0"
                raise HookError(f"resource {context.resource.name}: {text}")
        count = query.count if context.count is None else context.count
        if context.offset is None and context.page is None:
            return count, query.offset
        return count, (context.offset or 0) + (context.page or 0) * count

    async def send(self, context: Context) -> None:
        """Answer with the rows, and which they are of how many."""
        await super().send(context)
        if context.total is not None and isinstance(context.instance, list):
            show = self.resource.compatibility.content_range
            value = show(context.offset or 0, len(context.instance), context.total)
            context.headers.append((b"content-range", value.encode()))


class RowAction(Action):
    """An action on one row, which the path's parameters find."""

    by_key = True

    def parse_request(self, context: Context) -> None:
        """Parse path and query."""
        context.query = self.resource.read_query_of_one(context.scope)
        if context.lookup is None:
            context.key_values = self.resource.key_of(context.scope)

    def _statements(self, context: Context) -> Statements:
        """Return the statements that find the row by its key."""
        lookup = context.lookup
        if lookup is None or lookup.statements is None:
            return self.resource.statements
        return lookup.statements

    async def fetch(self, context: Context) -> None:
        """Fetch the row."""
        await self._take_row(context, await self._find(context))

    async def _find(self, context: Context) -> Row | None:
        conditions, values, keep = self._narrowed(context)
        statement = self._statements(context).read(conditions, keep=keep)
        connection = await context.connection()
        return await connection.fetch_one(statement, (*values, *context.key_values))

    async def _explain_missing(
        self, connection: Connection, conditions: tuple[Condition, ...], values: Values
    ) -> NoReturn:
        """Raise ``NotFound``, or ``NotWritten`` if the row is there all the same."""
        statement = self.resource.statements.read(conditions, keep=False)
        if await connection.fetch_one(statement, values) is None:
            raise NotFound
        raise NotWritten("the statement changed no row, though there is one")


class Read(RowAction):
    """``GET /parts/{id}``: the row."""

    name = "read"
    produces = JSON_ONLY


class Update(RowAction):
    """``PUT`` or ``PATCH /parts/{id}``: changes what the body names, and gives the whole row."""

    name = "update"
    produces = JSON_ONLY
    reads_body = True
    writes = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: "Resource") -> None:
        super().__init__(resource)
        replaceable = resource.updatable if resource.options.put_replaces else ()
        self._default_fields = tuple(
            field
            for field in replaceable
            if has_sql_default(field.column) and field.attribute not in resource.unseen
        )
        if self._default_fields:  # Read by a statement of its own.
            self.single = False

    def parse_request(self, context: Context) -> None:
        """Parse path, query and body."""
        super().parse_request(context)
        resource, body = self.resource, context.given
        errors = Errors()
        replaces = resource.options.put_replaces and context.scope["method"] == "PUT"
        if replaces:
            attributes = bodies.read_replacement(body, resource.updatable, errors, resource.unseen)
        else:
            attributes = bodies.read_change(body, resource.updatable, errors)
        if not resource.members.update.written.issuperset(body):
            self._read_others(context, attributes, errors)
        refused = frozenset(error["field"] for error in errors.found)
        if fields := doubtful(body, resource.updatable, refused):
            by_hooks = frozenset(context.attributes)
            context.doubtful = ([f for f in fields if f.attribute not in by_hooks], errors)
            context.unit.run_several()
        else:
            errors.check()
        context.take_attributes(attributes)

    def _read_others(self, context: Context, attributes: Attributes, errors: Errors) -> None:
        """Read related rows; keep what must be as it is stored, and report the rest."""
        resource, body = self.resource, context.given
        lenient = resource.ignores_members(context.scope)
        read_only = resource.members.update.sort_out(body, errors, lenient=lenient)
        if not self.hooked:  # A hook may put another key in the place of the path's.
            read_only = self._check_key(context, read_only, errors)
        reading = Reading(errors, new=False, hooked=self.hooked, lenient=lenient)
        context.nested = resource.nested_reader.read(body, reading)
        by_name = resource.fields.by_name
        for one in context.nested:  # Its foreign key is the object's business, not a default's.
            for name in map(str, (column.name for column in one.relation.foreign_key)):
                if name not in body:
                    attributes.pop(by_name[name].attribute, None)
        context.read_only = read_only
        if read_only or context.nested:
            context.unit.run_several()

    def _check_key(
        self, context: Context, names: tuple[str, ...], errors: Errors
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
        context.stored.check(context)
        context.nested = [
            await self._settle_array(connection, one, context.stored) if one.replaces else one
            for one in context.nested
        ]

    async def _settle_array(
        self, connection: Connection, array: Nested, stored: StoredRow
    ) -> Nested:
        """Find out what an array changes that becomes the stored set."""
        resource, relation = self.resource, array.relation
        own = resource.view.values(stored.row, [local for local, _ in relation.pairs])
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
        for field, value in zip(left_out, values or (), strict=True):
            attributes[field.attribute] = Raw(value)

    async def _update_in_session(self, context: Context) -> Row | None:
        row = await self._find(context)
        return None if row is None else await session_writes.update(context, row)

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
            for field in resource.with_refresh:
                if (value := field.refreshed()) is not UNSET:
                    attributes[field.attribute] = value
            written, new = resource.ordered(attributes)
            statement = statements.update(written, conditions, keep=keep)
            row = only(await connection.fetch_all(statement, (*new, *values)))
            if row is None:
                await self._explain_missing(connection, conditions, values)
            row = await self._whole(connection, row)
        if context.nested and row is not None:
            await resource.nested.write_after(connection, context, row)
        return row


class Delete(RowAction):
    """``DELETE /parts/{id}``: ``{}``."""

    name = "delete"
    produces = JSON_ONLY
    writes = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: "Resource") -> None:
        super().__init__(resource)
        self.single = resource.statements.returns_rows and not resource.is_view

    async def write(self, context: Context) -> None:
        """Delete the row, keeping what it was."""
        row = await (self._delete_in_session if self.needs_session() else self._delete)(context)
        if row is None:
            raise NotFound
        (context.deleted_instance,) = self.resource.view.read_rows((row,))
        context.instance, context.rows = {}, ()

    async def _delete_in_session(self, context: Context) -> Row | None:
        row = await self._find(context)
        if row is not None:
            await session_writes.delete(context, row)
        return row

    async def _delete(self, context: Context) -> Row | None:
        conditions, narrowing, keep = self._narrowed(context)
        statements, values = self._statements(context), (*narrowing, *context.key_values)
        connection = await context.connection()
        row = None
        if not statements.returns_rows:
            row = await connection.fetch_one(statements.read(conditions, keep=keep), values)
        deleted = only(await connection.fetch_all(statements.delete(conditions, keep=keep), values))
        if deleted is None:
            await self._explain_missing(connection, conditions, values)
        return row or deleted


def only(rows: Sequence[Row]) -> Row | None:
    """Return the one row that a statement wrote, or None.

    Raises:
        SeveralRows: The database does not keep the key unique that the model declares; all is
            rolled back.
    """
    if len(rows) > 1:
        raise SeveralRows("the key of one row meant several")
    return rows[0] if rows else None


ACTIONS: Final[dict[str, type[Action]]] = {
    kind.name: kind for kind in (Create, List, Read, Update, Delete)
}
