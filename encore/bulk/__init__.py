"""Bulk writes: many rows of one resource in one request and one transaction.

``PATCH`` and ``DELETE`` of a collection write the rows that a filter matches; an array in the body
of ``POST`` or ``PATCH`` creates or changes the rows that it contains. Start with ``filtered`` and
``arrays``. A request passes through ``request`` (parameters and preferences); ``row_actions`` runs
one row through the resource's own pipeline, ``report`` builds the responses.
"""
