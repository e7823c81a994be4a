"""The OAuth client of development: its id and secret, which ``.env.local`` keeps.

``encore dev`` registers it with the development issuer; the commands that it prints use it.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from encore.errors import StartupError

LOCAL: Final = Path(".env.local")
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class DevelopmentClient:
    """A client of the development issuer.

    Attributes:
        id_: Its CLIENT_ID.
        secret: Its CLIENT_SECRET.
        is_new: Whether it was made now and is still to be saved.
    """

    id_: str
    secret: str = field(repr=False)
    is_new: bool = False

    @classmethod
    def load(cls, settings: Mapping[str, str]) -> Self:
        """Return the client that the settings name, or a new one with a random secret."""
        id_, secret = settings.get("CLIENT_ID"), settings.get("CLIENT_SECRET")
        if id_ and secret:
            return cls(id_, secret)
        return cls("development-client", secrets.token_urlsafe(32), is_new=True)

    def save(self) -> None:
        """Append a new client to ``.env.local``, which only its owner may read from then on.

        Raises:
            StartupError: The file cannot be written.
        """
        if not self.is_new:
            return
        try:
            descriptor = os.open(LOCAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                os.fchmod(descriptor, _OWNER_ONLY)
                if os.fstat(descriptor).st_size:
                    file.write("\n")  # The last line may lack its newline.
                file.write(
                    "# The development client. Keep this file out of version control.\n"
                    f"CLIENT_ID={self.id_}\nCLIENT_SECRET={self.secret}\n"
                )
        except OSError as error:
            raise StartupError(f"{LOCAL}: cannot be written: {error.strerror}") from error
