"""``baregrad``: what is typed becomes a command, and what goes wrong one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from baregrad.cli import INTERRUPTED
from baregrad.cli.output import write_output
from baregrad.cli.parser import build_parser
from baregrad.cli.printable import printable

DONE, FAILED, MISUSED = 0, 1, 2  # exit codes


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: what was typed after ``baregrad``; by default the arguments of this process.

    Returns:
        The exit code: 0, 1 after an error, 2 for wrong usage, 130 after Ctrl-C.
    """
    try:
        parser = build_parser()
        arguments = parser.parse_args(argv)
    except SystemExit as exit:  # argparse has printed the help, the version or an error
        return int(exit.code or DONE)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    try:
        return run(arguments)
    except BrokenPipeError:  # as in `baregrad predict ... | head`: the reader has had enough
        _discard_output()
        return DONE
    except KeyboardInterrupt:
        print("baregrad: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if arguments.debug:
            import traceback  # only for developers

            traceback.print_exc()
        print(f"baregrad: error: {printable(message(error))}", file=sys.stderr)
        return MISUSED if isinstance(error, argparse.ArgumentError) else FAILED


def run(arguments: argparse.Namespace) -> int:
    """Runs a command; only its own module is imported, so that ``--help`` is quick."""
    command = import_module(f"baregrad.cli.{arguments.command}")
    code: int = command.run(arguments)
    write_output()  # what cannot be written is noticed here, not at exit
    return code


def message(error: Exception) -> str:
    """What went wrong, in one line."""
    from baregrad.errors import BaregradError

    text = " ".join(str(error).split())
    if isinstance(error, BaregradError | argparse.ArgumentError):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory; use a smaller network or less data"
    if isinstance(error, UnicodeEncodeError):
        return f"{text}; set PYTHONUTF8=1, or write to a file with --out"
    return f"{type(error).__name__}: {text}; --debug shows where"


def _discard_output() -> None:
    """Lets Python write what is left to nowhere, or it would complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
