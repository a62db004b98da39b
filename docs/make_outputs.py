"""Runs the blocks of a page and pastes what they print below them.

    python docs/make_outputs.py docs/tutorial.md [DATA]

Blocks of Python sessions (``pycon``) and of commands (``console``) run one after another, in one
folder, as a reader would run them. DATA is a folder with the tables that are not in the repository,
under the names they have there or those of the page; see ALSO. Needs a shell, and the extra view.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALSO = {  # under which other names tables may be found
    "housing.csv": "california_housing.csv",
    "adult.data": "adult-train.csv",
    "adult.test": "adult-test.csv",
}
TIMES = re.compile(r"(?<![\w.-])\d[\d.]* s\b")  # are others each time
FENCES = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^\$ (.*)\n", re.MULTILINE)
STATEMENTS = re.compile(r"^>>> .*\n(?:^\.\.\. ?.*\n)*", re.MULTILINE)


def with_outputs(text: str, folder: Path) -> str:
    """A page, each of whose blocks has been run in a folder and has the outputs it has there."""
    names: dict[str, object] = {"__name__": "__main__"}
    environment = shell_environment(folder)

    def made(fence: re.Match[str]) -> str:
        if fence[1] == "console":
            lines = (
                shown_command(line, folder, environment) for line in COMMANDS.findall(fence[2])
            )
        else:
            lines = (shown_statement(part, names) for part in STATEMENTS.findall(fence[2]))
        return f"```{fence[1]}\n{''.join(lines)}```"

    with chdir(folder):
        return FENCES.sub(made, text)


def shown_command(line: str, folder: Path, environment: dict[str, str]) -> str:
    """A line for the shell, and what it prints, errors included."""
    run = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
    )
    printed = re.sub("^Fontconfig .*\n", "", run.stdout, flags=re.MULTILINE)  # of Graphviz
    return f"$ {line}\n{TIMES.sub('… s', printed)}"


def shown_statement(part: str, names: dict[str, object]) -> str:
    """A statement of a session, and what it prints or raises."""
    source = re.sub(r"^(>>> |\.\.\. ?)", "", part, flags=re.MULTILINE)
    output = StringIO()
    with redirect_stdout(output):
        try:
            exec(compile(source, "<page>", "single"), names)
        except Exception as error:
            last = "".join(traceback.format_exception_only(error))
            print(f"Traceback (most recent call last):\n    ...\n{last}", end="")
    return part + TIMES.sub("… s", output.getvalue())


def shell_environment(folder: Path) -> dict[str, str]:
    """Where `baregrad` is a command, that of this Python and this repository."""
    (folder / ".bin").mkdir(exist_ok=True)
    program = folder / ".bin" / "baregrad"
    code = (
        "import sys; from baregrad.__main__ import main; sys.argv[0] = 'baregrad'; sys.exit(main())"
    )
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n'
    )
    program.chmod(0o755)
    return {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",  # errors stand where they come up
        "LC_ALL": "C.UTF-8",
    }


def lay_out(folder: Path, data: Path | None) -> None:
    """Puts the tables that pages use into a folder, under the names that pages use."""
    shutil.copytree(ROOT / "examples" / "data", folder / "examples" / "data")
    for name, other in ALSO.items():
        for path in (data / name, data / other) if data else ():
            if path.exists():
                shutil.copy(path, folder / name)


def main(page: Path, data: Path | None = None) -> None:
    """Writes a page anew."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lay_out(folder, data)
        text = with_outputs(page.read_text(encoding="utf-8"), folder)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # sessions run this repository, as commands do, installed or not
    main(*map(Path, sys.argv[1:3]))
