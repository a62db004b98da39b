import os

import pytest

from baregrad.errors import ArgumentError, FileWriteError
from baregrad.files import atomic
from baregrad.files.atomic import remove_leftovers, write_atomically


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def fail(*_):
    raise OSError(28, "No space left on device")


def test_a_device_is_not_replaced_by_a_file(path):
    os.mkfifo(path.with_name("pipe"))
    for place in (path.with_name("pipe"), path.parent):
        with pytest.raises(FileWriteError, match="cannot be written: it is there and no file"):
            write_atomically(place, [b"new"])


def test_the_file_is_replaced(path):
    write_atomically(path, [b"new", b"er"])
    assert path.read_bytes() == b"newer"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(path, monkeypatch, step):
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileWriteError, match="cannot be written: No space left on device"):
        write_atomically(path, [b"new"])
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(path):
    def chunks():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, chunks())
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


def test_content_and_name_are_on_the_disk_before_the_call_returns(path, monkeypatch):
    events = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        name = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        events.append("folder" if name == path.parent.name else "content")
        real_fsync(descriptor)

    def replace(source, target):
        events.append("name")
        real_replace(source, target)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to tell what is synchronised")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomically(path, [b"new"])
    assert events == ["content", "name", "folder"]


def test_where_folders_cannot_be_opened_the_file_is_written_all_the_same(path, monkeypatch):
    monkeypatch.setattr(atomic, "SYNC_FOLDERS", False)
    monkeypatch.setattr(os, "open", fail)
    write_atomically(path, [b"new"])
    assert path.read_bytes() == b"new"


def test_a_symbolic_link_stays_one(path):
    link = path.parent / "link"
    link.symlink_to(path)
    write_atomically(link, [b"new"])
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_a_new_file_may_be_read_by_whom_the_umask_allows(path):
    path.unlink()
    mask = os.umask(0o027)
    try:
        write_atomically(path, [b"new"])
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_that_is_replaced_keeps_its_permissions(path):
    path.chmod(0o600)
    write_atomically(path, [b"new"])
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_for_reading_only_is_not_replaced(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda target, mode: mode != os.W_OK)  # root may write all
    with pytest.raises(FileWriteError, match="cannot be written: it is for reading only"):
        write_atomically(path, [b"new"])
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("wrong", [None, 5, "a\0b", "a\ud800b"])
def test_what_is_no_path_is_refused(wrong):
    with pytest.raises(ArgumentError, match="cannot be the path of a file"):
        write_atomically(wrong, [b"new"])


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileWriteError, match=r"none.file cannot be written: No such file"):
        write_atomically(tmp_path / "none" / "file", [b""])


def test_what_killed_processes_have_left_of_a_file_is_removed_and_nothing_else(tmp_path):
    kept = ["a", "b.12.ab.tmp", ".ab.12.ab.tmp", ".a.12.ab", "a.12.ab.tmp"]
    for name in (*kept, ".a.12.0123.tmp", ".a.13.4567.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
