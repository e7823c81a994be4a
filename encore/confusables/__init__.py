"""Names that look alike, and names that are refused: Unicode's security mechanisms (UTS 39).

``skeletons`` compares names, ``names`` validates them. Both read ``unicode_data``, at first use.
"""

from encore.confusables.names import validate_name
from encore.confusables.skeletons import begins_alike, same_person, skeleton

__all__ = ["begins_alike", "same_person", "skeleton", "validate_name"]
