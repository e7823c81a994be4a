"""Entry point of ``python -m client``: run the command line and exit with its code.

Contains no logic, so that tests can run every command in process through an ``Environment``.
"""

import gc
import sys

# One request ends before there is garbage to collect, and collections would take a tenth of it.
# Commands, and requests of many pages, enable them again.
gc.disable()

from client.cli import main  # noqa: E402 - imports are most of a request.
from client.environment import Environment  # noqa: E402 - as above.

if __name__ == "__main__":
    sys.exit(main(Environment.from_process()))
