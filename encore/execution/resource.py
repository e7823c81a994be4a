"""A resource: its definition, with the hooks and writes of its actions."""

from collections.abc import Mapping
from typing import Any

from encore.database.protocol import Database
from encore.errors import ConfigurationError
from encore.execution.hooks import ActionHooks, AllHooks, check_callable, register_bundle
from encore.execution.nested.session_writes import SessionNestedWrites
from encore.execution.nested.writes import NestedWrites
from encore.execution.references import References
from encore.execution.session_writes import SessionWrites
from encore.options import ACTION_NAMES, RESTORE, ResourceOptions
from encore.resource.definition import ResourceDefinition


class Resource(ResourceDefinition):
    """What ``Crud.resource`` returns: the actions work with it, a service registers hooks on it.

    Args:
        options: The resource's options.
        database: The database of its rows; may be opened later.
        definition: The other arguments of ``ResourceDefinition``.

    Attributes:
        create, list, read, update, delete, restore, all: The hooks of each action, and of all.
        hooks: The hooks of the actions, by the actions' names.
        session_writes: Writes rows through an ORM session.
        references: The foreign keys of its rows that refer to soft-deleted tables.
        nested: Writes related rows that bodies contain.
        session_nested: The same through an ORM session.
        nested_resources: The resources of its relations, by their names in paths.
    """

    create: ActionHooks
    list: ActionHooks
    read: ActionHooks
    update: ActionHooks
    delete: ActionHooks
    restore: ActionHooks

    def __init__(self, options: ResourceOptions, database: Database, **definition: Any) -> None:
        super().__init__(options, database, **definition)
        dialect = database.dialect
        self.session_writes = SessionWrites(self.fields, dialect)
        self.references = References(self.serializer, dialect)
        self.nested = NestedWrites(self.serializer, dialect)
        self.session_nested = SessionNestedWrites(
            self.nested.related,
            {
                name: SessionWrites(child.serializer.fields, dialect)
                for name, child in self.serializer.children.items()
            },
        )
        self.hooks = {name: ActionHooks(self._unused(name)) for name in ACTION_NAMES}
        for name, hooks in self.hooks.items():
            setattr(self, name, hooks)
        self.restore = ActionHooks(self._unused(RESTORE))
        if self.has_restore:
            self.hooks[RESTORE] = self.restore
        self.all = AllHooks(self.hooks)
        self.nested_resources: dict[str, Resource] = {}

    def use(self, bundle: Mapping[str, Any]) -> None:
        """Register a bundle of hooks; its ``extra_configuration`` is called with the resource."""
        hooks = {name: value for name, value in bundle.items() if name != "extra_configuration"}
        register_bundle(self.hooks, hooks)
        if "extra_configuration" in bundle:
            check_callable(bundle["extra_configuration"], 1, "extra_configuration")
            bundle["extra_configuration"](self)

    def _unused(self, action: str) -> ConfigurationError | None:
        """Return the error for hooks of an action that the resource does not have."""
        has_action = self.has_restore if action == RESTORE else action in self.options.actions
        if has_action:
            return None
        message = f"there is no {action}, so its hooks would never run"
        return ConfigurationError(self.name, "actions", message)
