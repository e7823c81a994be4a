"""``python -m encore``."""

import sys

from encore.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
