"""The chain around every request, outermost first, each a pure ASGI callable.

``RequestLog`` opens the exchange, ``UnreadBody`` ends connections that cannot go on,
``ProblemBoundary`` turns any failure into a response,
``Routing`` finds the operation, then comes ``encore.auth``'s gate, and ``Dispatch`` hands over.
"""
