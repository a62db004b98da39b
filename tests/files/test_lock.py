import os
import subprocess
import sys
from pathlib import Path

import pytest

import baregrad
from baregrad.errors import FileWriteError
from baregrad.files.lock import FolderLock

HOLD = """
import sys
from baregrad.files.lock import FolderLock
with FolderLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_made_and_free_again_after_the_block(tmp_path):
    for _ in range(2):
        with FolderLock(tmp_path / "a" / "b"):
            assert (tmp_path / "a" / "b" / "lock").read_text() == str(os.getpid())


def test_a_folder_in_use_is_refused_until_its_process_is_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(baregrad.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline().startswith(b"held")
        match = f"is in use by another process, number {process.pid} "
        with pytest.raises(FileWriteError, match=match), FolderLock(tmp_path):
            pass
        process.kill()
        process.wait()
    with FolderLock(tmp_path):
        pass


def test_a_full_disk_does_not_keep_a_folder_from_being_locked(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        lock = FolderLock(tmp_path).__enter__()
    with pytest.raises(FileWriteError, match="another process, number unknown"):
        FolderLock(tmp_path).__enter__()
    lock.__exit__()


def test_an_exception_frees_it(tmp_path):
    with pytest.raises(KeyError), FolderLock(tmp_path):
        raise KeyError
    with FolderLock(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(FileWriteError, match=r"cannot be written to: .*; check the folder and its"),
        FolderLock(tmp_path / "file" / "folder"),
    ):
        pass
