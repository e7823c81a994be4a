"""The models, one file each. Importing this package registers all of them with ``Base``."""

from db.models.part import Part

__all__ = ["Part"]
