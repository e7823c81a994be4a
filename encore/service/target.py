"""``module:attribute``: where a command finds the service."""

import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from encore.errors import ConfigurationError, RouteError, StartupError
from encore.service.service import Service

_OURS: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Target:
    """The place of a service.

    Attributes:
        text: ``app:service``; the attribute is a ``Service``, or a function without required
            arguments that returns one.
    """

    text: str

    def check(self) -> tuple[str, str]:
        """Return the names of the module and of the attribute.

        Raises:
            StartupError: The text has another form.
        """
        module, _, attribute = self.text.partition(":")
        if not attribute.isidentifier() or not all(module.split(".")) or set("/\\") & set(module):
            raise StartupError(f"{self.text}: must be module:attribute, such as app:service")
        if module.endswith(".py"):
            meant = f"{module.removesuffix('.py')}:{attribute}"
            raise StartupError(f"{self.text}: a module has no .py; did you mean {meant}?")
        return module, attribute

    def load(self) -> Service:
        """Import the service from the current folder, or from what is installed.

        Raises:
            StartupError: One line: there is no such module or attribute, it is not a ``Service``,
                one of its resources or routes is declared wrong, or its code raised an exception.
        """
        name, attribute = self.check()
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        with self._one_line(name, f"import {name}"):
            module = import_module(name)
        found = getattr(module, attribute, None)
        if callable(found) and not isinstance(found, Service) and _takes_no_arguments(found):
            with self._one_line(name, f"import {name}; {name}.{attribute}()"):
                found = found()
        if not isinstance(found, Service):
            raise StartupError(f"{self.text}: {_explain(module, attribute)}")
        with self._one_line(name, f"import {name}; {name}.{attribute}.check_routes()"):
            found.check_routes()
        return found

    @contextmanager
    def _one_line(self, module: str, code: str) -> Iterator[None]:
        """Report what the service's code raises in one line, with the code that shows it whole."""
        try:
            yield
        except StartupError:
            raise
        except (ConfigurationError, RouteError) as error:
            raise StartupError(f"{self.text}: {error}") from error
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and _is_part_of(module, error.name):
                raise StartupError(f"{self.text}: there is no module {error.name} here") from error
            text = error.msg if isinstance(error, SyntaxError) else str(error)
            message = " ".join(text.split())
            raise StartupError(
                f"{self.text}: {type(error).__name__}{_place(error)}: {message}"
                f" (python -c '{code}' shows the traceback)"
            ) from error


def _is_part_of(module: str, missing: str | None) -> bool:
    """Return whether the module that is missing is the target, or a package that holds it."""
    return missing is not None and f"{module}.".startswith(f"{missing}.")


def _takes_no_arguments(factory: Any) -> bool:
    try:
        inspect.signature(factory).bind()
    except (TypeError, ValueError):  # The latter: it is written in C and has no signature.
        return False
    return not inspect.iscoroutinefunction(factory)


def _explain(module: ModuleType, attribute: str) -> str:
    """Return why an attribute cannot be served, and what could be."""
    services = [name for name, value in vars(module).items() if isinstance(value, Service)]
    hint = f"; did you mean {module.__name__}:{services[0]}?" if services else ""
    if not hasattr(module, attribute):
        return f"{module.__name__} has no attribute {attribute}{hint}"
    return f"{attribute} must be a Service, or a function without arguments that returns one{hint}"


def _place(error: Exception) -> str:
    """Return the file and line of the service's code that raised, `` in app.py, line 3``."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" in {_relative(error.filename)}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    here = [frame for frame in theirs if _is_here(frame.filename)]
    if not theirs:
        return ""
    frame = (here or theirs)[-1]
    return f" in {_relative(frame.filename)}, line {frame.lineno}"


def _is_theirs(filename: str) -> bool:
    return not filename.startswith("<") and not Path(filename).is_relative_to(_OURS)


def _is_here(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts


def _relative(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
