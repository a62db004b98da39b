import contextlib
import gzip
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data import byte_code
from baregrad.data import idx as module
from baregrad.data.idx import read_idx
from baregrad.errors import DataError
from baregrad.machine.errors import ExecutableMemoryError


def idx(shape, values, code=8):
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + bytes(values)


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "file.idx"
        path.write_bytes(content)
        return path

    return written


def test_values_are_integers_in_row_major_order(write):
    x = read_idx(write(idx((2, 3), [0, 1, 2, 253, 254, 255])))
    assert x.dtype == "int64"
    assert x.tolist() == [[0, 1, 2], [253, 254, 255]]


def test_scaled_values_go_from_zero_to_one(write):
    x = read_idx(write(idx((3,), [0, 51, 255])), scale=True)
    assert x.dtype == "float32"
    assert x.tolist() == pytest.approx([0, 0.2, 1], abs=1e-7)


@pytest.mark.parametrize("scale", [False, True])
def test_values_are_the_same_on_both_sides_of_a_block(write, scale, monkeypatch):
    monkeypatch.setattr("baregrad.data.idx.BLOCK", 7)
    x = read_idx(write(idx((20,), range(236, 256))), scale=scale)
    divisor = 255 if scale else 1
    assert x.tolist() == pytest.approx([v / divisor for v in range(236, 256)], rel=1e-7, abs=0)


@pytest.fixture
def large(write, monkeypatch):
    """A file whose values are converted by machine code, in blocks of 64 and a rest of 22."""
    monkeypatch.setattr("baregrad.data.idx.LARGE", 1)
    monkeypatch.setattr("baregrad.data.idx.BLOCK", 64)
    values = [value % 256 for value in range(4 * 64 + 22)]
    return write(idx((len(values),), values)), values


@pytest.mark.skipif(
    byte_code.fractions_function() is None, reason="this processor runs no machine code"
)
def test_machine_code_rounds_quotients_as_python_does(large, monkeypatch):
    path, values = large
    rest = []
    looked_up = module._looked_up
    monkeypatch.setattr(
        module,
        "_looked_up",
        lambda block, meanings: rest.append(block) or looked_up(block, meanings),
    )
    x = read_idx(path, scale=True)
    assert x.array.data == array("f", [value / 255 for value in values])
    assert [len(block) for block in rest] == [22]


def test_without_machine_code_large_files_are_read_in_python(large, monkeypatch):
    path, values = large
    monkeypatch.setattr(byte_code, "fractions_function", lambda: None)
    x = read_idx(path, scale=True)
    assert x.array.data == array("f", [value / 255 for value in values])


def test_there_is_no_machine_code_where_it_cannot_run(monkeypatch):
    make = byte_code.fractions_function.__wrapped__
    monkeypatch.setattr(byte_code, "is_x86_64", lambda: False)
    assert make() is None
    monkeypatch.undo()
    if byte_code.is_x86_64():
        monkeypatch.setattr(byte_code, "processor_features", frozenset)
        assert make() is None
        monkeypatch.undo()
        monkeypatch.setattr(byte_code, "NativeFunction", refuse)
        assert make() is None


def refuse(*arguments):
    raise ExecutableMemoryError("no pages today")


def test_a_compressed_file_is_read_too(write):
    assert read_idx(write(gzip.compress(idx((2,), [7, 8])))).tolist() == [7, 8]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file"),
        (b"\0\1\x08\1", "is not an IDX file"),
        (idx((1,), [0, 0], code=0x0D), "type code 0x0D; only unsigned bytes"),
        (b"\0\0\x08\3\0\0", "ends within the sizes of its 3 axes"),
        (idx((2, 2), [1, 2, 3]), r"says 4 values, shape \(2, 2\), and the file has 3"),
        (idx((2,), [1, 2, 3]), r"says 2 values, shape \(2,\), and the file has more"),
        (idx((2**32 - 1,) * 8, []), "the file has 0"),
        (gzip.compress(idx((9,), range(9)), mtime=0)[:-4], "damaged gzip file"),
        (b"\x1f\x8b\x08" + bytes(20), "damaged gzip file"),
    ],
)
def test_a_damaged_file_is_refused(write, content, message):
    with pytest.raises(DataError, match=message):
        read_idx(write(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing.idx cannot be read: No such file"):
        read_idx(tmp_path / "nothing.idx")


@given(content=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.idx"
    path.write_bytes(b"\0\0\x08" + content)
    with contextlib.suppress(DataError):
        assert read_idx(path).size <= len(content)
