import contextlib
import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data.idx import read_idx
from baregrad.errors import DataError


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
        (idx((2,), [1, 2, 3]), "says 2 values"),
        (idx((2**32 - 1,) * 8, []), "the file has 0"),
        (gzip.compress(idx((9,), range(9)))[:-4], "damaged gzip file"),
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
