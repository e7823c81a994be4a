"""Every operation of the item service."""

from typing import Final

from tests.fixtures.item_service import SCOPE, UPLOAD_SCOPE
from tests.fixtures.operations import WITH_BODY, Operations, crud_operations

OPERATIONS: Final[Operations] = {
    **crud_operations("/items", SCOPE),
    ("/items/upload", "post"): (UPLOAD_SCOPE, {"200", "201"}, WITH_BODY),
}
