"""``python3 -m baregrad``, and the command `baregrad`."""

import sys

from baregrad.cli import INTERRUPTED


def main() -> int:
    """Runs the command line, and returns its exit code."""
    try:
        from baregrad.cli.main import main  # here, so that Ctrl-C is heeded during imports too

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
