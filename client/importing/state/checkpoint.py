"""The checkpoint: the progress of an import, from which a killed run resumes; its JSON form."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from client.importing.uploading.batches import Batch
from client.importing.uploading.results import Counts
from encore.client.strict_json import parse_json

_VERSION: Final = 1


def _new_run_id() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The progress of an import; the default is the start of a new run.

    Args:
        run: The run's id, kept when another process resumes the run.
        position: Number of records of the source that are done.
        fingerprint: Hash of those records, and of the options that decide what is sent.
        counts: Those records by result.
        rejected_bytes: The length of the file of rejected rows.
    """

    run: str = field(default_factory=_new_run_id)
    position: int = 0
    fingerprint: str = ""
    counts: Counts = field(default_factory=Counts)
    rejected_bytes: int = 0

    def after(self, batch: Batch, counts: Counts, rejected_bytes: int) -> "Checkpoint":
        """Return the checkpoint after a batch was acknowledged and its rejected rows written."""
        return replace(
            self,
            position=batch.position,
            fingerprint=batch.fingerprint,
            counts=self.counts + counts,
            rejected_bytes=rejected_bytes,
        )

    def to_json(self) -> str:
        """Return the content of a checkpoint's file."""
        members = {"version": _VERSION, **asdict(self), "counts": self.counts._asdict()}
        return json.dumps(members, indent=2)

    @classmethod
    def from_json(cls, content: str) -> "Checkpoint":
        """Parse the content of a checkpoint's file.

        Raises:
            ValueError: It is not a checkpoint of this version.
        """
        try:
            return cls._from_members(parse_json(content))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("members are missing or have other types") from error

    @classmethod
    def _from_members(cls, members: dict[str, Any]) -> "Checkpoint":
        if members.pop("version") != _VERSION:
            raise ValueError("another version")
        counts = Counts(**members.pop("counts"))
        if set(members) | {"counts"} != {member.name for member in fields(cls)}:
            raise ValueError("other members")
        checkpoint = cls(counts=counts, **members)
        integers = (*counts, checkpoint.position, checkpoint.rejected_bytes)
        if not all(type(value) is int and value >= 0 for value in integers):
            raise ValueError("a count is not a non-negative integer")
        return checkpoint
