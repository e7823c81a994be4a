"""Fields that options name, by their names in Python or in JSON."""

from encore.errors import ConfigurationError
from encore.models.fields import Field, Fields


def find_field(fields: Fields, name: str, *, resource: str, option: str) -> Field:
    """Return the field of this name.

    Args:
        fields: The fields of the resource's model.
        name: The name that the option holds.
        resource: The resource's name, for the error.
        option: The option's name, for the error.

    Raises:
        ConfigurationError: The model does not have such a field.
    """
    field = fields.find_by_name(name)
    if field is None:
        known = ", ".join(fields.by_name)
        raise ConfigurationError(resource, option, f"{name!r} is none of {known}")
    return field
