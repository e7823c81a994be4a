"""What custom actions and hooks of a service need that go beyond options and hooks.

Statements of a service's own, conditions of a parsed query, staged rows of an upload, parts of an
OpenAPI description. ``encore`` has the names that most services need; this module imports the whole
engine.
"""

from encore.confusables import same_person, skeleton, validate_name
from encore.database.capabilities import capabilities_of
from encore.database.expressions.dates import Period, add_days, start_of_period
from encore.database.expressions.locks import advisory_lock
from encore.database.protocol import Connection
from encore.database.soft_deletes import DeletedRows, dialect_showing
from encore.database.statement import Row, Statement, param
from encore.execution.actions import Action
from encore.http.access import Access
from encore.http.content_disposition import attachment
from encore.http.request_state import RequestState
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.openapi.operations import json_body
from encore.openapi.query_parameters import list_parameters
from encore.openapi.row_type import read_schema
from encore.query import Condition
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import NOT_PARAMETER, OR_PARAMETER, PRESET, parse_pairs
from encore.sql.statements import params
from encore.sql.versions import version_increment
from encore.streams.formulas import escape_formula
from encore.suggestions import most_similar
from encore.uploads import MergeContext, Upload, UploadContext, UploadedRow
from encore.uploads.staging_table import CREATED, UNCHANGED, UPDATED, StagingTable
from encore.validation.body import check_complete, validate_update

__all__ = [
    "CREATED",
    "NOT_PARAMETER",
    "OR_PARAMETER",
    "PRESET",
    "UNCHANGED",
    "UPDATED",
    "Access",
    "Action",
    "Condition",
    "Connection",
    "DeletedRows",
    "Field",
    "InvalidValue",
    "MergeContext",
    "Period",
    "RequestState",
    "Row",
    "StagingTable",
    "Statement",
    "Upload",
    "UploadContext",
    "UploadedRow",
    "add_days",
    "advisory_lock",
    "attachment",
    "capabilities_of",
    "check_complete",
    "dialect_showing",
    "escape_formula",
    "invalid_parameter",
    "json_body",
    "list_parameters",
    "most_similar",
    "param",
    "params",
    "parse_pairs",
    "read_schema",
    "same_person",
    "skeleton",
    "start_of_period",
    "validate_name",
    "validate_update",
    "version_increment",
]
