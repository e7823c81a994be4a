"""A generated endpoint: the ASGI application that runs a pipeline."""
