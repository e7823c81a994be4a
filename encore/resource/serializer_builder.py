"""Building a resource's serializers from its include, association and exclude options."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Dialect

from encore.errors import ConfigurationError, InvalidOption
from encore.models.relations import UnsupportedRelation, relations_of
from encore.options import AssociationOptions, Include, ResourceOptions
from encore.resource.compatibility import compatibility_of
from encore.resource.option_checks import OWN
from encore.serializers.builder import build_serializer
from encore.serializers.serializer import Serializer


class ResourceSerializers:
    """The serializers of a resource's rows, and of the rows related to them.

    Attributes:
        own: The serializer of the resource's rows.
        related: The serializers of the rows of each relation, by its name.

    Raises:
        ConfigurationError: From the constructor: an option names a field or relation that does
            not exist, or the model cannot be shown.
    """

    def __init__(self, options: ResourceOptions, dialect: Dialect, entity: Any = None) -> None:
        self._options = options
        self._dialect = dialect
        self._entity = entity
        self._relations = relations_of(options.model)
        option = options.associations
        associations = option if isinstance(option, AssociationOptions) else AssociationOptions()
        self._populates = bool(option) and associations.auto_populate
        self._remove_foreign_keys = associations.remove_foreign_keys
        excluded = options.exclude_attributes
        self._excluded = excluded if isinstance(excluded, Mapping) else {OWN: excluded}
        self._also_excluded = associations.exclude_attributes
        written = options.write_only_attributes
        self._written = written if isinstance(written, Mapping) else {OWN: written}
        self._check_relations("exclude_attributes", self._excluded.keys() - {OWN})
        self._check_relations("associations", self._also_excluded)
        self._check_relations("write_only_attributes", self._written.keys() - {OWN})
        excluded, written = self._excluded.get(OWN, ()), self._written.get(OWN, ())
        self._serializer("exclude_attributes", exclude=excluded, is_shown=False)
        self._serializer("write_only_attributes", exclude=written, is_shown=False)
        # The rows of other relations are not output anywhere.
        named = (*self._excluded, *self._also_excluded, *self._written)
        exposed = [name for name in self._relations if option or name in named]
        alone = {name: self._alone(name) for name in exposed}
        self.own = self._serializer(
            "include",
            exclude=self._excluded.get(OWN, ()),
            include=self._includes(),
            write_only=self._written.get(OWN, ()),
        )
        self.related = alone | {name: child.serializer for name, child in self.own.children.items()}

    def _check_relations(self, option: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._relations:
                known = ", ".join(self._relations) or "none"
                raise self._error(option, f"{name!r} is none of the relations {known}")

    def _alone(self, name: str) -> Serializer:
        """Return the serializer of a relation's rows for where they are not embedded."""
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
        """Return a serializer; with ``is_shown=False`` only names in options are checked."""
        try:
            return build_serializer(
                model or self._options.model,
                self._dialect,
                exclude=exclude,
                include=include,
                write_only=write_only,
                remove_foreign_keys=self._remove_foreign_keys,
                entity=self._entity if model is None else None,
                types=self._options.types,
                accepts_text=compatibility_of(self._options.compatible).accepts_text,
                is_shown=is_shown,
            )
        except (InvalidOption, UnsupportedRelation) as error:
            raise self._error(option, error) from error
        except TypeError as error:
            raise self._error("model", error) from error

    def _includes(self) -> Sequence[Include]:
        """Return the relations to embed: those of ``include``, and all if they are populated."""
        items = (Include(i) if isinstance(i, str) else i for i in self._options.include)
        includes = {item.relation: item for item in items}
        self._check_relations("include", includes)
        if self._populates:
            for name in self._relations:
                includes.setdefault(name, Include(name))
        return [
            replace(
                item,
                exclude_attributes=(*item.exclude_attributes, *self._hidden(item.relation)),
                write_only_attributes=(
                    *item.write_only_attributes,
                    *self._written.get(item.relation, ()),
                ),
            )
            for item in includes.values()
        ]

    def _hidden(self, relation: str) -> tuple[str, ...]:
        return (*self._excluded.get(relation, ()), *self._also_excluded.get(relation, ()))

    def _error(self, option: str, message: object) -> ConfigurationError:
        return ConfigurationError(self._options.model.__name__, option, message)
