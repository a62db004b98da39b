"""What the package weighs, and what importing it loads."""

import subprocess
import sys
import zipfile
from pathlib import Path

import baregrad

PACKAGE = Path(baregrad.__file__).parent

# Loaded when something needs them: large tensors, a compiled step, `fit`, a table.
ON_FIRST_USE = ("compiler", "machine", "data", "files", "training", "view", "cli")


def test_the_package_as_an_archive_is_smaller_than_a_mebibyte(tmp_path):
    with zipfile.ZipFile(tmp_path / "wheel", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in PACKAGE.rglob("*"):
            if "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(PACKAGE))
    assert 100_000 < (tmp_path / "wheel").stat().st_size < 1 << 20


def test_importing_loads_neither_the_compiler_nor_anything_else_that_may_not_be_needed():
    program = (
        f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import baregrad; "
        "print(*(name for name in sys.modules if name.startswith('baregrad.')))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[1] for name in run.stdout.split()}
    assert {"tensor", "engines", "nn", "optim"} <= loaded
    assert loaded.isdisjoint(ON_FIRST_USE)
