"""What this project depends on: a bill of materials, and the known vulnerabilities of it.

Both read the lock files, so that they describe what is installed, with hashes, on every machine.
``python -m supply_chain`` (``make audit``) writes the one and reports the other.
"""
