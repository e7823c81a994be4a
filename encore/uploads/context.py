"""The context of one upload: what its hooks share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from encore.http.request_state import RequestState
from encore.uploads.request import UploadRequest

if TYPE_CHECKING:
    from encore.execution.resource import Resource


@dataclass(slots=True)
class UploadContext:
    """One run of an upload.

    Attributes:
        resource: Whose rows they are.
        state: Who calls.
        request: What the caller asks for.
        options: Anything that hooks hand on to later hooks.
        written: What has been committed, for the refusal of an upload that fails behind it.
    """

    resource: "Resource"
    state: RequestState
    request: UploadRequest
    options: dict[str, Any] = field(default_factory=dict)
    written: str = ""

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return self.state.claims
