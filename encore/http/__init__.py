"""HTTP: the application, its middlewares (pure ASGI, outermost first) and parsers of headers.

``RequestLogMiddleware`` creates the request state, ``CloseUnreadBodyMiddleware`` closes unusable
connections, ``ErrorHandlingMiddleware`` turns exceptions into responses, ``RoutingMiddleware``
resolves the operation; then ``encore.auth`` authenticates, and ``dispatch`` runs the operation.
"""
