"""Mistakes in how resources are configured, found at start-up."""

from typing import Any


class ConfigurationError(Exception):
    """A mistake in a resource's options, found at start-up; names the resource and the option."""

    def __init__(self, resource: str, option: str, text: Any) -> None:
        super().__init__(f"resource {resource}: option {option}: {text}")


class InvalidOption(LookupError):
    """An option names something that the model does not have; the text says what there is."""
