"""``python -m client generate``: a Python module of types from the API's description (OpenAPI).

The module has a ``TypedDict`` for each kind of row and body, and clients of ``encore.client`` whose
attributes are the API's resources with these types. It depends on little of the description: paths,
path parameters, bodies, successful responses, and schemas.
"""
