"""Batches: many operations in one request, in one transaction or each in its own.

``body`` parses the request, ``references`` the references to earlier results; ``routes`` finds the
operation of a path, ``runner`` runs operations and ``results`` renders what they return;
``endpoint`` is the ASGI application, ``document`` its description in OpenAPI.
"""
