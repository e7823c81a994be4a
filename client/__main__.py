"""The door: hands the process's surroundings to the command that is asked for.

Ends with the command's exit code. Holds no logic, so that every command can be tested in process
through a ``Context`` of its own.
"""

import sys

from client.command import main
from client.context import Context

if __name__ == "__main__":
    sys.exit(main(Context.of_process()))
