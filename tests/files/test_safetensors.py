import json
import os
import struct
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files import safetensors
from baregrad.files.safetensors import load_tensors, save_tensors

TENSORS = {
    "mask": bg.Tensor([True, False, True]),
    "w": bg.Tensor([[1.5, -2.0], [0.0, float("inf")]]),
    "n": bg.Tensor([2**62, -1]),
    "d": bg.Tensor(0.1, dtype="float64"),
    "empty": bg.zeros(0, 3),
}
METADATA = {"name": "größe", "json": '{"a": 1}'}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.safetensors"


def contents(tensors):
    return {name: (t.dtype, t.shape, bytes(t.array.data)) for name, t in tensors.items()}


def written(path, header, data=b""):
    """A file with this header, as an object or as bytes."""
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)
    return path


def entry(dtype="F32", shape=(1,), begin=0, end=4, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]} | more


# --- what is written --------------------------------------------------------------------------


def test_tensors_and_metadata_come_back_as_they_were(path):
    save_tensors(path, TENSORS, METADATA)
    tensors, metadata = load_tensors(path)
    assert contents(tensors) == contents(TENSORS)
    assert metadata == METADATA


def test_the_file_is_as_the_format_says(path):
    save_tensors(path, {"b": bg.Tensor([True]), "x": bg.Tensor([[1.0, 2.0]])}, {"k": "v"})
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert json.loads(content[8 : 8 + length]) == {
        "__metadata__": {"k": "v"},
        "x": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "b": {"dtype": "BOOL", "shape": [1], "data_offsets": [8, 9]},
    }
    assert length % 8 == 0
    assert content[8 + length :] == struct.pack("<ff?", 1, 2, True)


def test_nothing_but_an_empty_header_is_a_file_too(path):
    save_tensors(path, {})
    assert load_tensors(path) == ({}, {})


def test_the_official_library_reads_the_file(path):
    official = pytest.importorskip("safetensors")
    pytest.importorskip("numpy")
    save_tensors(path, TENSORS, METADATA)
    with official.safe_open(str(path), "numpy") as file:
        assert file.metadata() == METADATA
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert {name: (str(a.dtype), a.shape, a.tobytes()) for name, a in found.items()} == contents(
        TENSORS
    )


def test_a_big_endian_machine_writes_and_reads_the_same_file(path, monkeypatch):
    tensors = {"x": bg.Tensor([1.5, 2.0])}
    save_tensors(path, tensors)
    little = path.read_bytes()
    monkeypatch.setattr(sys, "byteorder", "big")
    # On the machine of this test, "big-endian" swaps twice on the way there and back.
    save_tensors(path, tensors)
    assert path.read_bytes() == little[:-8] + struct.pack(">2f", 1.5, 2.0)
    assert load_tensors(path)[0]["x"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("names", "metadata"), [([1], {}), (["\ud800"], {}), (["x"], {"a": 1}), (["x"], {2: "b"})]
)
def test_names_and_metadata_must_be_text(path, names, metadata):
    with pytest.raises(ArgumentError, match="must be Unicode text, not"):
        save_tensors(path, {name: bg.zeros(1) for name in names}, metadata)
    assert not path.exists()


def test_what_is_no_tensor_is_named(path):
    with pytest.raises(ArgumentError, match=r"'x' must be a tensor, not \[1.0\]"):
        save_tensors(path, {"x": [1.0]})


@pytest.mark.parametrize("wrong", [None, 5.0, "a\0b"])
def test_what_is_no_path_is_refused(wrong):
    for use in (load_tensors, lambda path: save_tensors(path, TENSORS)):
        with pytest.raises(ArgumentError, match="cannot be the path of a file"):
            use(wrong)


def test_saving_takes_no_copy_of_the_numbers(path):
    tensors = {str(number): bg.zeros(250_000) for number in range(8)}  # 8 MB
    tracemalloc.start()
    try:
        save_tensors(path, tensors)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_no_tensor_is_called_as_the_metadata(path):
    with pytest.raises(ArgumentError, match="no tensor may be called '__metadata__'"):
        save_tensors(path, {"__metadata__": bg.zeros(1)})


# --- what is refused --------------------------------------------------------------------------


def test_a_missing_file_is_named(path):
    with pytest.raises(ModelFileError, match=r"m.safetensors cannot be read: No such file"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a header of 0 bytes cannot be in a file of 0 bytes"),
        (b"\x02\0\0\0\0\0\0\0", "a header of 2 bytes cannot be in a file of 8 bytes"),
        (b"\x05\0\0\0\0\0\0\0{}", "a header of 5 bytes cannot be in a file of 10 bytes"),
        (b"\xff" * 8 + b"{}", "is more than 100000000"),
    ],
)
def test_a_header_that_cannot_be_there_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=f"is not a safetensors file, or damaged: .*{message}"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"[1]", b"", "does not begin with '{'"),
        (b'{"x":', b"", "the header is not JSON"),
        (b'{"\xff":1}', b"", "the header is not JSON"),
        (b'{"x":' + b"[" * 100_000, b"", "the header is not JSON"),
        (b'{"x":' + b"1" * 5000 + b"}", b"", "the header is not JSON"),
        (b'{"x":1,"x":2}', b"", r"a name stands twice in an object, among \['x'\]"),
        (b'{"\\uD800":1}', b"", "surrogates not allowed"),
        (b'{"x":NaN}', b"", "NaN is not a finite number"),
        (b'{"x":1e999}', b"", "1e999 is not a finite number"),
        ({"x": entry(shape=[1] * 65)}, b"1234", "has more than 64 dimensions"),
        ({"x": entry([[[[[[[[[]]]]]]]]])}, b"1234", r"has dtype \[+\.\.\.\]+; only"),
        ({"__metadata__": []}, b"", "__metadata__ is not an object of strings"),
        ({"__metadata__": {"a": 1}}, b"", "__metadata__ is not an object of strings"),
        ({"x": 1}, b"", "tensor 'x' needs a dtype, a shape and data_offsets"),
        ({"x": {"dtype": "F32"}}, b"", "tensor 'x' needs"),
        ({"x": entry(more=1)}, b"1234", "and nothing else"),
        ({"x": entry("F16")}, b"1234", "has dtype 'F16'; only F32, F64, I64, BOOL are read"),
        ({"x": entry([])}, b"1234", r"has dtype \[\]"),
        ({"x": entry(shape=[-1])}, b"1234", "not lists of integers above -1"),
        ({"x": entry(shape=[1.0])}, b"1234", "not lists of integers"),
        ({"x": entry(shape=[True])}, b"1234", "not lists of integers"),
        ({"x": entry() | {"shape": 1}}, b"1234", "not lists of integers"),
        ({"x": entry() | {"data_offsets": [0, 4, 4]}}, b"1234", "not lists of integers"),
        ({"x": entry(end="4")}, b"1234", "not lists of integers"),
        ({"x": entry(shape=[2])}, b"1234", r"shape \[2\] and dtype F32 needs 8 bytes"),
        ({"x": entry(begin=4, end=0)}, b"1234", "needs 4 bytes"),
        ({"x": entry(shape=[2**62, 2])}, b"1234", r"has 2\*\*63 elements or more"),
        ({"x": entry(shape=[2**40], end=2**42)}, b"1234", "4 are there: it is cut off"),
        ({"x": entry()}, b"12345", "take 4 bytes and 5 are there: it goes on after them"),
        ({"x": entry()}, b"123", "take 4 bytes and 3 are there: it is cut off"),
        ({"x": entry(begin=4, end=8)}, b"12345678", "'x' leaves a hole before it"),
        ({"x": entry(), "y": entry()}, b"1234", "'y' overlaps another: it begins at 0"),
        ({"x": entry("BOOL", end=1)}, b"\2", "'x' is BOOL and has a byte 2, not 0 or 1"),
    ],
)
def test_a_damaged_file_is_refused(path, header, data, message):
    written(path, header, data)
    with pytest.raises(ModelFileError, match=message):
        load_tensors(path)


def test_a_message_is_short_however_long_a_name_is(path):
    written(path, {"x" * 10_000: 1})
    with pytest.raises(ModelFileError, match="tensor 'xxx") as caught:
        load_tensors(path)
    assert len(str(caught.value)) < 1000


def test_a_pipe_is_refused_and_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match="it is a pipe or device; save it to a file"):
        load_tensors(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read: Is a directory"):
        load_tensors(tmp_path)


def test_a_header_that_is_too_long_to_be_read_is_not_written(path, monkeypatch):
    monkeypatch.setattr(safetensors, "MAX_HEADER", 100)
    with pytest.raises(ArgumentError, match=r"take 1.. bytes, and may take 100"):
        save_tensors(path, {}, {"x": "y" * 100})
    assert not path.exists()


def test_a_file_that_shrinks_while_it_is_read_is_refused(path, monkeypatch):
    save_tensors(path, {"x": bg.zeros(4)})
    before = path.stat()
    os.truncate(path, before.st_size - 4)
    monkeypatch.setattr(safetensors.os, "fstat", lambda _: before)
    with pytest.raises(ModelFileError, match="became shorter while it was read"):
        load_tensors(path)


@given(st.data())
def test_changed_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    save_tensors(path, TENSORS, METADATA)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.sampled_from(["replace", "delete", "insert"]))
        new = b"" if change == "delete" else bytes([data.draw(st.integers(0, 255))])
        content[place : place + (change != "insert")] = new
    path.write_bytes(content)
    try:
        load_tensors(path)
    except ModelFileError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["F32", "BOOL", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["__metadata__", "x", "y"]), JSON), st.binary(max_size=8))
def test_any_json_header_is_read_or_refused(tmp_path_factory, header, data):
    path = tmp_path_factory.getbasetemp() / "json.safetensors"
    try:
        load_tensors(written(path, header, data))
    except ModelFileError:
        return
