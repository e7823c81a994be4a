"""Nested resources: the rows related to one row, below its path.

As in Finale they can be listed and read, but not written: ``/users/{user_id}/books`` and
``/users/{user_id}/books/{id}``. They have hooks, queries and pagination as other resources have.
"""

from encore.database.protocol import Database
from encore.errors import ConfigurationError
from encore.execution.resource import Resource
from encore.models.fields import Fields
from encore.models.relations import Relation, UnsupportedRelation, relations_of
from encore.openapi.names import singular_of, split_words
from encore.options import READING_ACTIONS, ResourceOptions
from encore.resource.option_checks import PARAMETER
from encore.resource.paths import path_parameter
from encore.serializers.include import check_relation
from encore.sql.parent_filter import ParentFilter


def nested_resources(parent: Resource, database: Database) -> dict[str, Resource]:
    """Return a resource for each relation of the parent's model, by its lower-case name."""
    relations = relations_of(parent.options.model)
    # With the conditions of ``Include``: no path shows rows that they exclude.
    relations |= {name: child.relation for name, child in parent.serializer.children.items()}
    try:
        for relation in relations.values():
            check_relation(relation, database.dialect)
        return {
            name.lower(): _nested(parent, relation, database)
            for name, relation in relations.items()
        }
    except UnsupportedRelation as error:
        raise ConfigurationError(parent.name, "associations", error) from error


def _nested(parent: Resource, relation: Relation, database: Database) -> Resource:
    target = Fields.of(relation.target, database.dialect)
    own_names = {path_parameter(field)[1:-1] for field in target.key}
    prefix = f"{parent.name.lower()}_"
    of_parent = PARAMETER.findall(parent.item_path)
    while any(prefix + name in own_names for name in of_parent):
        prefix = f"parent_{prefix}"
    parameters = tuple(prefix + name for name in of_parent)
    base = parent.paths.base
    own_path = parent.item_path.removeprefix(base)
    path = PARAMETER.sub(lambda m: "{" + prefix + m[1] + "}", own_path)
    collection_path = f"{path}/{relation.name.lower()}"
    key = "/".join(map(path_parameter, target.key))
    options = ResourceOptions(
        model=relation.target,
        endpoints=(collection_path, f"{collection_path}/{key}")
        if relation.many
        else (collection_path,),
        actions=READING_ACTIONS if relation.many else ("read",),
        pagination=parent.options.pagination,
        total=parent.options.total,
        exclude_attributes=_hidden(parent, relation),
        access={name: parent.access(name) for name in READING_ACTIONS},
        hook_seconds=parent.options.hook_seconds,
        types=parent.options.types,
        compatible=parent.options.compatible,
        nested_arrays=parent.options.nested_arrays,
        plural=" ".join([singular_of(parent), *split_words(relation.name)]),
    )
    return Resource(
        options,
        database,
        base=base,
        default_access=parent.access("read"),
        body_limit=parent.body_limit,
        parent=ParentFilter(relation, parent.key),
        parent_parameters=parameters,
        secret=parent.cursors.secret,
        idempotency_keys=parent.idempotency_keys,
    )


def _hidden(parent: Resource, relation: Relation) -> tuple[str, ...]:
    """Return the fields that the parent hides of these rows: no other path may show them."""
    child = parent.related.get(relation.name)
    if child is None:
        return ()
    return tuple(field.name for field in child.fields if field.attribute in child.hidden)
