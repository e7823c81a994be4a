"""The language of refine's simple-rest: the part of json-server's that it sends.

``_start`` and ``_end``, ``_sort`` and ``_order``, and the operators ``eq``, ``ne``, ``gte``,
``lte`` and ``contains`` (``_like``, which is text as it was typed). Its client sends every other
operator as equality.
"""

from typing import Final

from encore.dialects.conditions import DialectOperator, contains_any
from encore.dialects.json_server import END, ORDER, SORT, START
from encore.query.operators import ILIKE

NAME: Final = "refine"
PARAMETERS: Final = (START, END, SORT, ORDER)
LIKE: Final = DialectOperator("_like", ILIKE, contains_any)
