"""The documentation of a service: its OpenAPI document, the docs page, and ``/``."""
