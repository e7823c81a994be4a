"""The shipped app with indexes, and with the parts once more, at `/indexed`, to search by one.

The shipped catalog has neither; `tables` makes them in the database.
"""

import sys
from typing import Final

from sqlalchemy import Index

from api import __main__ as service
from api import resources as catalog
from api.resources.timesheets import TimesheetOptions
from db.models.part import Part
from encore import Crud, SearchOptions

INDEXED: Final = "/indexed"
UPLOAD: Final = f"{INDEXED}/upload"
WITHOUT_INDEX: Final = "--without-index"
_UPLOAD_LIMIT: Final = 256 * 1024**2
SEARCHED: Final = ("name", "description")
INDEXES: Final = (
    # The key breaks ties: an index on the name alone has PostgreSQL sort all rows of a name.
    Index("growth_name", Part.name, Part.id),
    Index("growth_model_number", Part.model_number),
)


def main() -> int:
    """Serve, as ``python -m api`` does."""
    own = catalog.expose

    def expose(crud: Crud, timesheets: TimesheetOptions) -> None:
        own(crud, timesheets)
        search = SearchOptions(attributes=SEARCHED, index=WITHOUT_INDEX not in sys.argv)
        parts = crud.resource(Part, endpoints=(INDEXED, f"{INDEXED}/{{id}}"), search=search)
        crud.upload(parts, natural_key=["partNumber"], limit=_UPLOAD_LIMIT)

    catalog.expose = expose
    return service.main([])


if __name__ == "__main__":
    sys.exit(main())
