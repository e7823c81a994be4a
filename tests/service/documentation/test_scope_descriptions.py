"""Scopes in words: of the document's security scheme, and of operations."""

from typing import Any

import pytest

from encore import ConfigurationError, Service
from encore.http.access import AUTHENTICATED, PUBLIC, Access
from encore.openapi.scopes import describe_scopes, needed_scopes
from encore.settings import Settings
from tests.fixtures.library_models import Shelf


def service(**options: Any) -> Service:
    values = {"DATABASE_URL": "sqlite:///unused.sqlite", "ISSUER": "http://localhost:1/x"}
    made = Service(Settings.parse({**values, "AUDIENCE": "api"}), batch=False, **options)
    made.resource(Shelf, access={"all": "write", "list": "see", "read": "see"})
    return made


def scopes_of(document: dict[str, Any]) -> dict[str, str]:
    (scheme,) = document["components"]["securitySchemes"].values()
    scopes: dict[str, str] = scheme["flows"]["clientCredentials"]["scopes"]
    return scopes


def test_scopes_are_described_by_the_operations_that_need_them() -> None:
    document = service().openapi()
    assert scopes_of(document) == {
        "see": "Read shelves",
        "write": "Create, change and delete shelves",
    }
    item = document["paths"]["/shelves/{id}"]
    assert item["get"]["description"] == "Returns one shelf.\n\nNeeds the scope `see`."
    assert item["delete"]["description"].endswith("Needs the scope `write`.")


def test_given_descriptions_override() -> None:
    described = service(scope_descriptions={"see": "Look at shelves"}).openapi()
    assert scopes_of(described)["see"] == "Look at shelves"
    assert scopes_of(described)["write"] == "Create, change and delete shelves"


@pytest.mark.parametrize("value", [["see"], {"see": ""}, {"see": None}, {5: "x"}])
def test_invalid_descriptions_stop_the_start(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="option scope_descriptions: must be a mapping"):
        service(scope_descriptions=value)


def test_description_of_unneeded_scope_stops_the_start() -> None:
    made = service(scope_descriptions={"seee": "Look at shelves"})
    with pytest.raises(ConfigurationError, match="no operation needs 'seee'; needed are see, wr"):
        made.check_routes()


def test_scopes_of_several_resources_are_grouped_by_what_they_allow() -> None:
    access, either = Access(all_of=("a",)), Access(any_of=("a", "b"))
    operations = [
        ("get", ["parts"], access),
        ("get", ["shelves"], access),
        ("post", ["parts"], either),
        ("options", [], either),
        ("get", ["open"], PUBLIC),
    ]
    assert describe_scopes(operations) == {
        "a": "Read and create parts; read shelves",
        "b": "Create parts",
    }


@pytest.mark.parametrize(
    ("access", "text"),
    [
        (PUBLIC, ""),
        (AUTHENTICATED, "Needs a valid token."),
        (Access(all_of=("a",)), "Needs the scope `a`."),
        (Access(all_of=("a", "b")), "Needs the scopes `a` and `b`."),
        (Access(any_of=("a", "b", "c")), "Needs one of the scopes `a`, `b` or `c`."),
        (Access(("a",), ("b", "c")), "Needs the scope `a`, and one of `b` or `c`."),
    ],
)
def test_needed_scopes_are_named(access: Access, text: str) -> None:
    assert needed_scopes(access) == text
