"""`python -m goodfit`: the same as the command `goodfit`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
