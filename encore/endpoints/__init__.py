"""A generated endpoint: the ASGI application that runs a pipeline, and its OpenAPI description."""
