"""What a request does: an action and its hooks, in one transaction.

Start reading at ``pipeline`` (the order of the steps), then ``actions`` (the five generated ones),
``hooks`` and ``context`` (what steps share), ``unit_of_work`` (the transaction), ``nested`` and
``session_writes`` (related rows, and rows that an ORM session writes), ``error_mapping`` (what the
database rejects), ``subrequest`` (actions inside another request). ``resource`` is
what a service registers its hooks on.
"""
