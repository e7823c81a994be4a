"""The service: generated CRUD over SQLAlchemy models, behind one bearer-token gate.

``app`` is the one composition root. Below it: ``http`` is the chain around every request,
``auth`` the token gate, ``crud`` the generator, ``catalog`` what this service exposes, and
``issuer`` a separate development authorization server.
"""
