"""What a model looks like from outside: its fields, the values they take, the rows it shows.

Read on in this order: ``values`` (one value in and out), ``fields`` (the columns), ``records``
(rows on their way to JSON), ``view`` and ``faces`` (which of it a resource shows).
"""
