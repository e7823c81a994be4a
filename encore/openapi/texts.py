"""What the generated operations are called, and what they do, in words of their resource."""

import re
from dataclasses import dataclass
from inspect import cleandoc
from itertools import takewhile
from typing import Any, Final

from encore.execution.actions import Action, Restore
from encore.execution.resource import Resource
from encore.openapi.dialects import dialect_sentence
from encore.openapi.names import ResourceNames, operation_id
from encore.query.operators import OPERATORS, SEPARATOR

_PUT: Final = "PUT"
_PATCH: Final = "PATCH"
_OPERATORS: Final = ", ".join(OPERATORS)
_INTERNAL: Final = "encore."
_SECTION: Final = re.compile(r"(Args|Arguments|Attributes|Raises|Returns|Yields):\n")


@dataclass(frozen=True, slots=True)
class OperationText:
    """The texts of one operation.

    Attributes:
        id: The operation id.
        summary: What it does, in one line.
        description: What it does, in Markdown.
    """

    id: str
    summary: str
    description: str

    def as_dict(self) -> dict[str, str]:
        """Return them as the arguments of a FastAPI route."""
        return {
            "summary": self.summary,
            "description": self.description,
            "operation_id": self.id,
        }


def action_text(action: Action[Any], method: str, names: ResourceNames) -> OperationText:
    """Return the texts of a generated action.

    Args:
        action: The action.
        method: The HTTP method.
        names: The names of the resource.
    """
    make = {
        "list": _list_text,
        "read": _read_text,
        "create": _create_text,
        "delete": _delete_text,
        Restore.name: _restore_text,
    }.get(action.name)
    if make is not None:
        return make(action.resource, names)
    return _update_text(action.resource, method, names)


def _list_text(resource: Resource, names: ResourceNames) -> OperationText:
    pages = ", a page at a time" if resource.options.pagination else ""
    paragraphs = [
        f"Returns the {names.plural} that the filters match{pages}.",
        filter_text(resource),
    ]
    paragraphs += filter(None, [dialect_sentence(resource)])
    return OperationText(
        operation_id("list", names.plural), f"List {names.plural}", "\n\n".join(paragraphs)
    )


def _read_text(_: Resource, names: ResourceNames) -> OperationText:
    return OperationText(
        operation_id("get", names.singular),
        f"Get {names.a_row}",
        f"Returns one {names.singular}.",
    )


def _create_text(resource: Resource, names: ResourceNames) -> OperationText:
    text = f"Creates {names.a_row} and returns it, with its path in `Location`."
    if resource.upsert_targets is not None:
        text += f" With `on_conflict`, {names.a_row} that is stored already is changed or returned."
    return OperationText(operation_id("create", names.singular), f"Create {names.a_row}", text)


def _update_text(resource: Resource, method: str, names: ResourceNames) -> OperationText:
    replaces = method == _PUT and resource.options.put_replaces
    creates = method == _PUT and resource.options.put_creates
    is_patch = method == _PATCH and resource.options.update_method.upper() != _PATCH
    text = f"Changes the members that the body contains, and returns the whole {names.singular}."
    if replaces:
        text = (
            f"Replaces the {names.singular} by the body, and returns it: members that the body"
            " lacks are set to their default, or to null."
        )
    if creates:
        text += f" Creates the {names.singular} that the path names, if there is none."
    verb = "Replace" if replaces else "Update"
    summary = f"{verb} or create {names.a_row}" if creates else f"{verb} {names.a_row}"
    if is_patch:
        summary = f"Update fields of {names.a_row}"
    id_ = operation_id("patch" if is_patch else "update", names.singular)
    return OperationText(id_, summary, text)


def _delete_text(resource: Resource, names: ResourceNames) -> OperationText:
    text = f"Deletes one {names.singular}; the response is `{{}}`."
    if resource.soft_delete is not None:
        text = (
            f"Hides one {names.singular}, which stays stored with the time of its deletion; the"
            " response is `{}`."
        )
    return OperationText(operation_id("delete", names.singular), f"Delete {names.a_row}", text)


def _restore_text(_: Resource, names: ResourceNames) -> OperationText:
    return OperationText(
        operation_id("restore", names.singular),
        f"Restore a deleted {names.singular}",
        f"Makes a deleted {names.singular} visible again, and returns it. The body is empty.",
    )


def filter_text(resource: Resource) -> str:
    """Return how the rows of a resource are filtered, in words.

    The document describes the usual operators of the resource's own fields as parameters; the
    others are described here.
    """
    text = (
        "Filters are `field=value`, where a repeated field means one of its values, and"
        f" `field{SEPARATOR}operator=value`. Beside the parameters that are listed, every field has"
        f" each of the operators {_OPERATORS} that its type allows."
    )
    if resource.serializer.children:
        relation = next(iter(resource.serializer.children))
        text += f" Fields of related rows are filtered by `{relation}.field{SEPARATOR}operator`."
    return text


def docstring_of_service(class_: type) -> str:
    """Return what the docstring of a class of a service says; empty if it has none.

    Docstrings of this library's classes say nothing of the service. What follows a form feed, and
    sections such as ``Args:``, are left out.
    """
    for ancestor in class_.__mro__:
        if ancestor is object or f"{ancestor.__module__}.".startswith(_INTERNAL):
            return ""
        if text := vars(ancestor).get("__doc__"):
            paragraphs = cleandoc(text.partition("\f")[0]).split("\n\n")
            return "\n\n".join(takewhile(lambda p: not _SECTION.match(p), paragraphs))
    return ""


def model_text(model: type) -> str:
    """Return the first paragraph of a model's own docstring, in one line; empty if it has none.

    The docstring that ``dataclass`` makes repeats the signature.
    """
    text = vars(model).get("__doc__") or ""
    if text.startswith(f"{model.__name__}("):
        return ""
    return " ".join(cleandoc(text).partition("\n\n")[0].split())
