"""``module:attribute``: where a command finds the service."""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from encore.errors import ConfigurationError, RouteError, StartupError
from encore.service.service import Service


@dataclass(frozen=True, slots=True)
class Target:
    """The place of a service.

    Attributes:
        text: ``app:service``; the attribute is a ``Service``, or a function that returns one.
    """

    text: str

    def load(self) -> Service:
        """Import the service.

        Raises:
            StartupError: There is no such module or attribute, it is not a ``Service``, or one of
                its resources is declared wrong.
        """
        module_name, _, attribute = self.text.partition(":")
        if not module_name or not attribute.isidentifier():
            raise StartupError(f"{self.text}: must be module:attribute, such as app:service")
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            found = getattr(import_module(module_name), attribute, None)
            service = found() if callable(found) and not isinstance(found, Service) else found
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise
            raise StartupError(f"{self.text}: there is no module {error.name} here") from error
        except (ConfigurationError, RouteError) as error:
            raise StartupError(f"{self.text}: {error}") from error
        if not isinstance(service, Service):
            raise StartupError(f"{self.text}: {module_name} has no Service called {attribute}")
        return service
