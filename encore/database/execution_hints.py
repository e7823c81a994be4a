"""How a statement must be run, said by the SQL constructs in it.

A statement that contains such a construct takes over its hints when it is compiled
(``encore.database.statement``).
"""


class ExecutionHints:
    """Mixin for SQL constructs; the defaults are those of every other construct.

    Attributes:
        scans_long_text: Matches patterns against text of (nearly) unlimited length, so that one
            row may take long.
        needs_plan_for_values: PostgreSQL must plan the statement for its values: a plan for any
            values takes all search terms for equally frequent and scans the table for some.
        is_uninterruptible: SQLite's progress handler cannot stop it at a deadline.
    """

    scans_long_text: bool = False
    needs_plan_for_values: bool = False
    is_uninterruptible: bool = False
