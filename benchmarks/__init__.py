"""Measures this service against the Node stack that it is the analog of.

`python -m benchmarks` from the repository root; README.md says what is measured and how.
Nothing here is imported by the service or by its tests.
"""
