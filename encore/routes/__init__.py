"""A resource's face to HTTP and OpenAPI.

Read on in this order: ``router`` (which routes there are), ``route`` (how one is run),
``operations`` (a service's own), ``openapi`` and ``schemas`` (how they are described).
"""
