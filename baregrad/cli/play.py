"""``baregrad play``: a page on this machine, on which a network is seen learning."""

from __future__ import annotations

import webbrowser
from argparse import ArgumentError, Namespace
from contextlib import suppress

from baregrad.cli.table_file import table_of
from baregrad.errors import MissingExtraError


def run(arguments: Namespace) -> int:
    """Serves the page until Ctrl-C."""
    try:
        from baregrad.play.server import serve  # needs an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("baregrad"):
            raise
        raise MissingExtraError(
            f"the playground needs {error.name}: pip install 'baregrad[play]'"
        ) from None
    from baregrad.play.session import Session

    def opened(address: str) -> None:
        print(f"The playground is at {address}\nCtrl-C closes it.", flush=True)
        if arguments.browser:
            webbrowser.open(address)

    session = Session()
    if arguments.file is not None:
        columns = [arguments.target] if arguments.target else []
        session.learn_from(table_of(arguments, columns), arguments.target)
    elif arguments.target is not None:
        raise ArgumentError(None, "--target is for a FILE.csv, and none is given")
    with suppress(KeyboardInterrupt):
        serve(session, arguments.port, opened)
    return 0
