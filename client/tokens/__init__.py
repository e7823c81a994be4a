"""Tokens of the command line: where they come from, and their files between two commands.

``TOKEN`` in the environment wins; then client credentials in the environment, the login of a
person, client credentials in a file (``choosing``). Modules that a request with a cached token
needs import neither httpx nor filelock.
"""
