"""``python -m client login``: a person logs in at ISSUER, and requests are sent as that person.

By authorization code with PKCE over a loopback redirect (RFC 8252, 7636, 9207), or by the device
flow (RFC 8628). Where the issuer has its endpoints is read from its discovery document.
"""
