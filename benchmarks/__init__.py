"""Benchmarks of this service against the Node stack of the Okta sample.

Run ``python -m benchmarks`` from the repository root; README.md says what is measured and how. The
service does not import this package.
"""
