"""Entry point of ``python -m client``: run the command line and exit with its code.

Contains no logic, so that tests can run every command in process through an ``Environment``.
"""

import sys

from client.cli import main
from client.environment import Environment

if __name__ == "__main__":
    sys.exit(main(Environment.from_process()))
