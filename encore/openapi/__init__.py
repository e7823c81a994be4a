"""The OpenAPI description of generated operations, as plain dicts, and the document of all."""
