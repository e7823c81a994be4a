"""Records: rows on their way to JSON.

Each view gets one ``msgspec.Struct`` type, made from the fields it shows and its relations:
attributes under their Python names, JSON under the column names. A row becomes a record by one
call, and a list of records becomes bytes by one more.

A record holds *wire values*, what JSON shows: a moment is its text. What is ``UNSET`` is left out.
Hidden fields are attributes of a record but not members: hooks can read them, and neither JSON nor
a dictionary made of the record has them. Hooks add and remove members as of a dictionary.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import starmap
from operator import itemgetter
from typing import Any, ClassVar

import msgspec

from encore.database.statement import Row
from encore.database.undecodable import Undecodable
from encore.errors import HookError
from encore.models.fields import Fields
from encore.serializers.stored_text import CountingEncoder, read_checked, text_of

RowReader = Callable[[Sequence[Row]], list[Any]]

_encode_valid = msgspec.json.Encoder().encode
encode = msgspec.json.Encoder(enc_hook=text_of).encode
"""Encodes records, whether or not their values fit their columns."""


class Record(msgspec.Struct, dict=True):
    """One row: ``record.created_by``, or ``record["createdBy"]`` under either name.

    Members added by hooks (``record["age"] = 7`` or ``record.age = 7``) are shown as well; that
    is what the instance's ``__dict__`` holds, beside the hidden fields. ``dict(record)`` has the
    members as JSON shows them, unless one is called ``keys``.
    """

    __attributes__: ClassVar[Mapping[str, str]] = {}
    """The struct's attributes, under their names in Python and in JSON."""

    __hidden__: ClassVar[frozenset[str]] = frozenset()
    """The names of hidden fields, in Python and in JSON."""

    __relations__: ClassVar[tuple[str, ...]] = ()

    def __getitem__(self, name: str) -> Any:
        attribute = self.__attributes__.get(name)
        if attribute is not None:
            value = getattr(self, attribute)
        else:
            value = msgspec.UNSET if name in self.__hidden__ else self.__dict__[name]
        if value is msgspec.UNSET:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self.__hidden__:
            raise HookError(f"{name!r} is excluded: a record cannot show it")
        setattr(self, self.__attributes__.get(name, name), value)

    def __delitem__(self, name: str) -> None:
        self[name]  # Raises KeyError.
        if name in self.__attributes__:
            setattr(self, self.__attributes__[name], msgspec.UNSET)
        else:
            del self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __iter__(self) -> Iterator[str]:
        names = zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        yield from (name for name, a in names if getattr(self, a) is not msgspec.UNSET)
        yield from added_members(self)

    def keys(self) -> list[str]:
        """Return the members' names in JSON; with them, ``dict(record)`` works."""
        return list(self)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a member, or the default where there is none."""
        try:
            return self[name]
        except KeyError:
            return default


def added_members(record: Record) -> list[str]:
    """Return the names of the members that hooks added."""
    return [name for name in record.__dict__ if name not in record.__hidden__]


def record_type(
    name: str, fields: Fields, relations: Sequence[str] = (), hidden: Sequence[str] = ()
) -> type[Record]:
    """Make the record type of a view; its relations come after its fields.

    Args:
        name: The model's.
        fields: All of its fields.
        relations: The relations embedded.
        hidden: The attributes of fields that are not shown.
    """
    shown = [field for field in fields if field.attribute not in hidden]
    attributes = [*(field.attribute for field in shown), *relations]
    concealed = [field for field in fields if field.attribute in hidden]
    own = {field.attribute for field in shown}
    kind: Any = msgspec.defstruct(
        f"{name}Record",
        [(attribute, Any, msgspec.UNSET) for attribute in attributes],
        bases=(Record,),
        rename={field.attribute: field.name for field in shown},
        module=__name__,
        namespace={
            "__attributes__": {
                **{field.name: field.attribute for field in shown},
                **{attribute: attribute for attribute in attributes},
            },
            "__hidden__": frozenset(
                name for f in concealed for name in (f.attribute, f.name) if name not in own
            ),
            "__relations__": tuple(relations),
        },
    )
    made: type[Record] = kind
    return made


def encode_counting(instance: Any) -> tuple[bytes, int]:
    """Encode records; also return how many stored values in them do not fit their columns."""
    try:
        return _encode_valid(instance), 0
    except TypeError:
        slow = CountingEncoder()
        return slow.encode(instance), slow.count


def row_reader(kind: type[Record], fields: Fields, hidden: Sequence[str] = ()) -> RowReader:
    """Make the function that turns rows, in field order, into records.

    Columns whose driver values are wire values already cost nothing here. Rows are read again,
    value by value, if one of their values does not fit its column.
    """
    make = _maker(kind, fields, hidden)
    fast = _fast_reader(make, fields)

    def read(rows: Sequence[Row]) -> list[Record]:
        try:
            records = fast(rows)
        except Exception:  # noqa: BLE001 - whatever a type of the service's own may raise
            return read_checked(make, fields, rows)
        if Undecodable.met and Undecodable.among(rows):
            return read_checked(make, fields, rows)
        return records

    return read


def _fast_reader(make: RowReader, fields: Fields) -> RowReader:
    """Make the reader of rows whose values fit; it raises an exception where one does not."""
    verified = [
        (field.codec.verify, itemgetter(index))
        for index, field in enumerate(fields)
        if field.codec.verify is not None and not field.autoincrement
    ]
    read = _converting_reader(make, fields)
    if not verified:
        return read

    def read_verified(rows: Sequence[Row]) -> list[Record]:
        for verify, value_of in verified:
            verify(rows, value_of)
        return read(rows)

    return read_verified


def _converting_reader(make: RowReader, fields: Fields) -> RowReader:
    converters = [
        (index, field.codec.to_wire)
        for index, field in enumerate(fields)
        if field.codec.to_wire is not None
    ]
    if not converters:
        return make

    def read(rows: Sequence[Row]) -> list[Record]:
        converted = []
        for row in rows:
            values = list(row)
            for index, convert in converters:
                values[index] = convert(values[index])
            converted.append(values)
        return make(converted)

    return read


def _maker(kind: type[Record], fields: Fields, hidden: Sequence[str]) -> RowReader:
    """Make the function that builds records of wire values."""
    if not hidden:
        return lambda rows: list(starmap(kind, rows))
    places = {field.attribute: index for index, field in enumerate(fields)}
    concealed = [(name, places[name]) for name in hidden]
    shown = [place for name, place in places.items() if name not in hidden]
    pick: Callable[[Row], Row]
    if len(shown) > 1:
        pick = itemgetter(*shown)
    else:  # With a slice, one value or none is a sequence as well.
        pick = itemgetter(slice(shown[0], shown[0] + 1) if shown else slice(0))

    def make(rows: Sequence[Row]) -> list[Record]:
        records = list(starmap(kind, map(pick, rows)))
        for record, row in zip(records, rows, strict=True):
            for name, place in concealed:
                setattr(record, name, row[place])
        return records

    return make


def with_added(value: Any) -> Any:
    """Return what is encoded in place of an instance that hooks have had.

    The encoder knows the members of a record's type alone: a record that took others becomes a
    dictionary, and so on in what is embedded.
    """
    if isinstance(value, list | tuple):
        return [with_added(one) for one in value]
    if isinstance(value, dict):
        return {name: with_added(one) for name, one in value.items()}
    if isinstance(value, Record):
        for name in value.__relations__:
            setattr(value, name, with_added(getattr(value, name)))
        # Not dict(value): a member called keys would be taken for the method.
        return {name: value[name] for name in value} if added_members(value) else value
    return value


def hide(records: Sequence[Any], attributes: Sequence[str]) -> None:
    """Leave attributes out of the JSON of these records; what a hook made instead stays."""
    for record in records:
        if isinstance(record, Record):
            for attribute in attributes:
                setattr(record, attribute, msgspec.UNSET)
