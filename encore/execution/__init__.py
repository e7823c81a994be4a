"""What a request does: an action and its hooks, in one transaction.

Read on in this order: ``plan`` (the steps), ``actions`` (the five), ``hooks``, ``context`` and
``unit`` (what they share), ``bodies`` (what comes in), ``statements`` (what the database runs),
``failures`` and ``constraints`` (what it refuses, in words).
"""
