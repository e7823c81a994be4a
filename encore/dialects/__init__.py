"""Dialects: the query languages of stock front ends, for lists that a resource opens to them.

A dialect is recognised by the parameters of a query, which no query of our own language has, and
is parsed to the same ``ListQuery``. ``react_admin`` is the language of ra-data-simple-rest,
``json_server`` that of ra-data-json-server, and ``refine`` the part of it that refine's simple-rest
sends. ``conditions`` and ``selection`` are what they have in common, ``checks`` stops the start
where a field has the name of a dialect's parameter, and ``parser`` recognises and parses.
"""
