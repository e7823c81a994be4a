"""The generator: a model becomes a resource, and a resource becomes routes.

It knows no part and no timesheet. Read on in this order: ``crud`` (what a service calls),
``options``, ``resource`` (options, compiled), ``router`` and ``route`` (its face to FastAPI),
``plan`` and ``actions`` (what a request does), ``query``, ``bodies`` and ``values`` (what callers
send), ``statements`` and ``records`` (what the database runs and gives).
"""

from api.crud.crud import Crud
from api.crud.options import ConfigurationError, SearchOptions, SortOptions

__all__ = ["ConfigurationError", "Crud", "SearchOptions", "SortOptions"]
