"""``python3 -m baregrad``: the command line, without installing anything."""

import sys

from baregrad.cli.main import main

sys.exit(main())
