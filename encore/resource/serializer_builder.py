"""Faces: from a resource's include, association and exclude options to the views it shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Dialect

from encore.errors import ConfigurationError, InvalidOption
from encore.models.relations import UnsupportedRelation, relations_of
from encore.options import AssociationOptions, Include, ResourceOptions
from encore.resource.compatibility import compatibility_of
from encore.serializers.builder import build_serializer
from encore.serializers.serializer import Serializer

_OWN: Final = "own"


class ResourceSerializers:
    """What the rows of a resource, and those related to them, look like.

    Attributes:
        own: The resource's rows.
        related: The rows of each relation, wherever they are shown.

    Raises:
        ConfigurationError: From the constructor: an option names what there is not.
    """

    def __init__(self, options: ResourceOptions, dialect: Dialect, entity: Any = None) -> None:
        self._options = options
        self._dialect = dialect
        self._entity = entity
        self._relations = relations_of(options.model)
        given = options.associations
        self._populates = given is True or (
            isinstance(given, AssociationOptions) and given.auto_populate
        )
        also = given if isinstance(given, AssociationOptions) else AssociationOptions()
        self._keyless = also.remove_foreign_keys
        excluded = options.exclude_attributes
        self._excluded = excluded if isinstance(excluded, Mapping) else {_OWN: excluded}
        self._also_excluded = also.exclude_attributes
        written = options.write_only_attributes
        self._written = written if isinstance(written, Mapping) else {_OWN: written}
        self._check_relations("exclude_attributes", self._excluded.keys() - {_OWN})
        self._check_relations("associations", self._also_excluded)
        self._check_relations("write_only_attributes", self._written.keys() - {_OWN})
        excluded, written = (one.get(_OWN, ()) for one in (self._excluded, self._written))
        self._serializer("exclude_attributes", exclude=excluded, is_shown=False)
        self._serializer("write_only_attributes", exclude=written, is_shown=False)
        # Where no relation is exposed, what its rows would look like is nobody's concern.
        named = (*self._excluded, *self._also_excluded, *self._written)
        exposed = [name for name in self._relations if given or name in named]
        alone = {name: self._alone(name) for name in exposed}
        self.own = self._serializer(
            "include",
            exclude=self._excluded.get(_OWN, ()),
            include=self._includes(),
            write_only=self._written.get(_OWN, ()),
        )
        self.related = alone | {name: child.serializer for name, child in self.own.children.items()}

    def _check_relations(self, option: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._relations:
                known = ", ".join(self._relations) or "none"
                raise self._mistake(option, f"{name!r} is none of the relations {known}")

    def _alone(self, name: str) -> Serializer:
        """Make the view of a relation's rows where they are not embedded."""
        target = self._relations[name].target
        for option, excluded in (
            ("exclude_attributes", self._excluded),
            ("associations", self._also_excluded),
            ("write_only_attributes", self._written),
        ):
            self._serializer(option, model=target, exclude=excluded.get(name, ()), is_shown=False)
        hidden = (*self._hidden(name), *self._written.get(name, ()))
        return self._serializer("include", model=target, exclude=hidden, is_shown=False)

    def _serializer(
        self,
        option: str,
        *,
        model: type | None = None,
        exclude: Sequence[str],
        include: Sequence[Include] = (),
        write_only: Sequence[str] = (),
        is_shown: bool = True,
    ) -> Serializer:
        """Make a view, or only look names up if attributes are not to be refused yet."""
        try:
            return build_serializer(
                model or self._options.model,
                self._dialect,
                exclude=exclude,
                include=include,
                write_only=write_only,
                remove_foreign_keys=self._keyless,
                entity=self._entity if model is None else None,
                types=self._options.types,
                accepts_text=compatibility_of(self._options.compatible).accepts_text,
                is_shown=is_shown,
            )
        except (InvalidOption, UnsupportedRelation) as error:
            raise self._mistake(option, error) from error
        except TypeError as error:
            raise self._mistake("model", error) from error

    def _includes(self) -> Sequence[Include]:
        """Give what is embedded: what ``include`` says, and every relation that is populated."""
        given = (Include(one) if isinstance(one, str) else one for one in self._options.include)
        includes = {one.relation: one for one in given}
        self._check_relations("include", includes)
        if self._populates:
            for name in self._relations:
                includes.setdefault(name, Include(name))
        return [
            replace(
                one,
                exclude_attributes=(*one.exclude_attributes, *self._hidden(one.relation)),
                write_only_attributes=(
                    *one.write_only_attributes,
                    *self._written.get(one.relation, ()),
                ),
            )
            for one in includes.values()
        ]

    def _hidden(self, relation: str) -> tuple[str, ...]:
        return (*self._excluded.get(relation, ()), *self._also_excluded.get(relation, ()))

    def _mistake(self, option: str, text: object) -> ConfigurationError:
        return ConfigurationError(self._options.model.__name__, option, text)
