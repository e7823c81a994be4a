"""What schemathesis writes for the string formats that are this service's own.

Loaded by schemathesis (``SCHEMATHESIS_HOOKS``). ``conditions`` is the format of ``or`` and ``not``:
valid conditions on what parts have. Of cursors only the service can write valid ones: cases with
one are left out. A case whose query is longer than the service reads is left
out: that each parameter may be so long, but not all together, is nothing a schema can say.
"""

from typing import Any
from urllib.parse import urlencode

import schemathesis
from hypothesis import strategies as st

from encore.query.parser import MAX_QUERY_BYTES

NUMBERS = ("", "__eq", "__ne", "__gt", "__gte", "__lt", "__lte", "__in", "__not_in")
TEXTS = ("", "__eq", "__ne", "__like", "__ilike", "__startswith", "__iendswith", "__gte", "__in")
# Neither the grammar's own letters nor what begins JSON: those values have forms of their own.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters='\x00|["')

CONDITION = st.one_of(
    st.builds("id{}={}".format, st.sampled_from(NUMBERS), st.integers(-(2**31), 2**31 - 1)),
    st.builds("name{}={}".format, st.sampled_from(TEXTS), st.text(LETTERS, max_size=8)),
    st.builds("modelNumber__is_null={}".format, st.sampled_from(["true", "false"])),
    st.builds("id__between={},{}".format, st.integers(0, 99), st.integers(0, 99)),
    st.builds(
        "createdAt{}={:%Y-%m-%dT%H:%M:%S}Z".format, st.sampled_from(["", "__lt"]), st.datetimes()
    ),
)

CONDITIONS = st.lists(CONDITION, min_size=1, max_size=4).map("|".join)

schemathesis.openapi.format("conditions", CONDITIONS)


@schemathesis.hook
def filter_case(_: Any, case: Any) -> bool:
    """Return whether the service reads so long a query, and it has no cursor."""
    query = case.query if isinstance(case.query, dict) else {}
    if "cursor" in query:
        return False
    return len(urlencode(query, doseq=True)) <= MAX_QUERY_BYTES
