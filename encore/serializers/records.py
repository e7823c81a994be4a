"""Records: rows on their way to JSON.

Each serializer has one ``msgspec.Struct`` type, with the fields that it shows and its relations:
attributes have Python names, JSON members have column names. One call converts a row to a record,
and one more converts a list of records to bytes.

A record contains *wire values*, as JSON shows them: a timestamp is a string. ``UNSET`` values are
omitted. Hidden fields are attributes of a record but not members: hooks can read them, and neither
JSON nor a dictionary made from the record contains them. Hooks add and remove members as in a
dictionary.
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
"""Encodes records, including those with stored values that do not fit their columns."""


class Record(msgspec.Struct, dict=True):
    """One row: ``record.created_by``, or ``record["createdBy"]`` under either name.

    Members that hooks add (``record["age"] = 7`` or ``record.age = 7``) are shown as well; the
    instance's ``__dict__`` contains them and the hidden fields. ``dict(record)`` has the members
    as JSON shows them, unless one is called ``keys``.
    """

    __attributes__: ClassVar[Mapping[str, str]] = {}
    """The struct's attributes, by their names in Python and in JSON."""

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
        yield from (
            name for name, attribute in names if getattr(self, attribute) is not msgspec.UNSET
        )
        yield from added_members(self)

    def keys(self) -> list[str]:
        """Return the members' names in JSON; with them, ``dict(record)`` works."""
        return list(self)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a member, or the default if there is none."""
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
    """Return the record type of a serializer; its relations come after its fields.

    Args:
        name: The name of the model.
        fields: All fields of the model.
        relations: The embedded relations.
        hidden: The attributes of the fields that are not shown.
    """
    shown = [field for field in fields if field.attribute not in hidden]
    attributes = [*(field.attribute for field in shown), *relations]
    hidden_fields = [field for field in fields if field.attribute in hidden]
    shown_names = {field.attribute for field in shown}
    struct: Any = msgspec.defstruct(
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
                name
                for field in hidden_fields
                for name in (field.attribute, field.name)
                if name not in shown_names
            ),
            "__relations__": tuple(relations),
        },
    )
    type_: type[Record] = struct
    return type_


def encode_counting(instance: Any) -> tuple[bytes, int]:
    """Encode records; return the JSON, and how many stored values do not fit their columns."""
    try:
        return _encode_valid(instance), 0
    except TypeError:
        encoder = CountingEncoder()
        return encoder.encode(instance), encoder.count


def row_reader(type_: type[Record], fields: Fields, hidden: Sequence[str] = ()) -> RowReader:
    """Return the function that converts rows, in field order, to records.

    Columns whose driver values are wire values already cost nothing. Rows are converted again,
    value by value, if one of their values does not fit its column.
    """
    make = _maker(type_, fields, hidden)
    fast = _fast_reader(make, fields)

    def read(rows: Sequence[Row]) -> list[Record]:
        try:
            records = fast(rows)
        except Exception:  # noqa: BLE001 - custom types may raise any exception
            return read_checked(make, fields, rows)
        if Undecodable.seen and Undecodable.any_in(rows):
            return read_checked(make, fields, rows)
        return records

    return read


def _fast_reader(make: RowReader, fields: Fields) -> RowReader:
    """Return the converter of rows whose values fit; it raises an exception if one does not."""
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


def _maker(type_: type[Record], fields: Fields, hidden: Sequence[str]) -> RowReader:
    """Return the function that makes records of wire values."""
    if not hidden:
        return lambda rows: list(starmap(type_, rows))
    indexes = {field.attribute: index for index, field in enumerate(fields)}
    hidden_indexes = [(name, indexes[name]) for name in hidden]
    shown = [index for name, index in indexes.items() if name not in hidden]
    pick: Callable[[Row], Row]
    if len(shown) > 1:
        pick = itemgetter(*shown)
    else:  # A slice of one value, or of none, is a sequence as well.
        pick = itemgetter(slice(shown[0], shown[0] + 1) if shown else slice(0))

    def make(rows: Sequence[Row]) -> list[Record]:
        records = list(starmap(type_, map(pick, rows)))
        for record, row in zip(records, rows, strict=True):
            for name, index in hidden_indexes:
                setattr(record, name, row[index])
        return records

    return make


def with_added_members(value: Any) -> Any:
    """Return an instance that hooks have seen in a form that the encoder can encode.

    The encoder knows only the members of a record's type: a record with added members becomes a
    dictionary, and so do embedded records.
    """
    if isinstance(value, list | tuple):
        return [with_added_members(item) for item in value]
    if isinstance(value, dict):
        return {name: with_added_members(member) for name, member in value.items()}
    if isinstance(value, Record):
        for name in value.__relations__:
            setattr(value, name, with_added_members(getattr(value, name)))
        # Not dict(value): a member called keys would be taken for the method.
        return {name: value[name] for name in value} if added_members(value) else value
    return value


def hide(records: Sequence[Any], attributes: Sequence[str]) -> None:
    """Omit attributes from the JSON of these records; instances of hooks are not changed."""
    for record in records:
        if isinstance(record, Record):
            for attribute in attributes:
                setattr(record, attribute, msgspec.UNSET)
