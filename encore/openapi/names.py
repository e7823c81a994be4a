"""What a resource is called in the document: in summaries, operation ids and tags.

The plural is made of the words of the collection path; the singular of the model's name where the
two agree (``shelves`` and ``Shelf``), and otherwise of the plural, by rules of English spelling.
The options ``singular`` and ``plural`` override both.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from encore.openapi.components import Components
from encore.resource.definition import ResourceDefinition
from encore.resource.option_checks import PARAMETER

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\W\dA-Z_]+\d*|\d+")
_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9]+")
_SIBILANTS: Final = ("sses", "shes", "ches", "xes", "zes")
_SINGULAR_ENDS: Final = ("ss", "us", "is")
_LIKE_A_CONSONANT: Final = re.compile(r"u[^aeiou][aeiou]|eu|one\b")
_TAGS: Final = "tags"


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """The names of one resource, in lower-case words.

    Attributes:
        singular: One row: ``timesheet lock``.
        plural: Many rows, and the tag of the resource: ``timesheet locks``.
    """

    singular: str
    plural: str

    @property
    def a_row(self) -> str:
        """One row with its indefinite article: ``a part``, ``an entry``."""
        return with_article(self.singular)

    @property
    def many_rows(self) -> str:
        """The plural; with ``many`` if it does not differ from the singular."""
        return self.plural if self.plural != self.singular else f"many {self.plural}"


def resource_names(resource: ResourceDefinition, components: Components) -> ResourceNames:
    """Return the names of a resource; the plural is unique in the document.

    Args:
        resource: The resource.
        components: The components of the document.
    """
    base = resource.paths.base
    plural, singular = _plural(resource), singular_of(resource)
    qualified = f"{_joined(split_words(base))} {plural}" if base else ""
    unique = components.unique_name(plural, resource, kind=_TAGS, alternative=qualified)
    before, _, after = unique.partition(plural)
    return ResourceNames(f"{before}{singular}{after}", unique)


def singular_of(resource: ResourceDefinition) -> str:
    """Return what one row of a resource is called."""
    return resource.options.singular or _singular(resource, _plural(resource))


def operation_id(verb: str, words: str) -> str:
    """Return an operation id: ``list_timesheet_locks``."""
    ascii_ = unicodedata.normalize("NFKD", f"{verb} {words}").encode("ascii", "ignore").decode()
    return _NOT_IN_IDS.sub("_", ascii_.lower()).strip("_")


def path_words(path: str) -> str:
    """Return the words of a path's fixed segments: ``timesheet history``."""
    segments = [part for part in PARAMETER.sub("", path).split("/") if part]
    if not segments:
        return ""
    *parents, last = segments
    words = [word for part in parents for word in _singular_words(split_words(part))]
    return _joined([*words, *split_words(last)])


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case: ``["part", "lists"]`` of ``PartLists``."""
    return [word.lower() for word in _WORD.findall(name)]


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article, by its letters: ``a user``, ``an upload``."""
    is_vowel = noun[:1] in "aeiou" and not _LIKE_A_CONSONANT.match(noun)
    return f"{'an' if is_vowel else 'a'} {noun}"


def _plural(resource: ResourceDefinition) -> str:
    """Return what many rows of a resource are called."""
    path = path_words(resource.collection_path.removeprefix(resource.paths.base))
    return resource.options.plural or path or _joined(split_words(resource.name))


def _singular(resource: ResourceDefinition, plural: str) -> str:
    """Return the singular of a resource's plural."""
    if resource.paths.collection_path_names_one_row:
        return plural
    words, model = plural.split(" "), split_words(resource.name)
    if words[-len(model) :] == model:  # The model is called as its table: news, or part.
        return plural
    for start in range(len(model)):  # The model's name may begin with the words of a parent.
        noun = model[start:]
        if _joined(words[-len(noun) :]) in _plurals(_joined(noun)):
            return _joined([*words[: -len(noun)], *noun])
    singular = _joined(_singular_words(words))
    if singular != plural:
        return singular
    return f"{plural} entry" if resource.options.endpoints else _joined(model)


def _plurals(noun: str) -> list[str]:
    """Return what may be the plural of a noun."""
    forms = [f"{noun}s", f"{noun}es"]
    if noun.endswith("y"):
        forms.append(f"{noun[:-1]}ies")
    if noun.endswith(("f", "fe")):
        forms.append(f"{noun.removesuffix('e')[:-1]}ves")
    return forms


def _singular_words(words: list[str]) -> list[str]:
    """Return words with the last one in the singular, where an English rule says it."""
    if not words:
        return words
    *others, last = words
    if last.endswith("ies") and len(last) > len("ties"):
        last = f"{last[:-3]}y"
    elif last.endswith(_SIBILANTS):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(_SINGULAR_ENDS):
        last = last[:-1]
    return [*others, last]


def _joined(words: list[str]) -> str:
    return " ".join(words)
