"""Associations: related rows in answers, in queries, in bodies and under paths of their own.

``relations`` describes one relationship, ``embedding`` fetches related rows for a page with one
statement a relation, ``nested`` writes what a body says of related rows, ``links`` narrows a
nested resource to its parent's rows.
"""
