"""The client library: requests to the API with a token that is fetched, cached and renewed.

Imports httpx, late and lean, and nothing else outside the standard library; speaks HTTP to the
issuer and to the API, and imports no code of either.
"""
