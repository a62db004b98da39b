import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, FileWriteError, ModelFileError
from baregrad.files.safetensors import load_tensors, save_tensors
from baregrad.files.state import MARK, digest, load_state, save_state

STATE = {
    "none": None,
    "number": 0.1,
    "infinite": float("-inf"),
    "large": 2**64 - 1,
    "nested": [{"t": bg.Tensor([1.5, 2.5])}, [bg.Tensor([True]), "text"]],
    "tuple": (bg.Tensor([7]),),
}


def test_a_state_comes_back(tmp_path):
    save_state(tmp_path / "state", STATE)
    state = load_state(tmp_path / "state")
    assert list(state) == list(STATE)
    for name in ("none", "number", "infinite", "large"):
        assert state[name] == STATE[name]
    assert state["nested"][0]["t"].tolist() == [1.5, 2.5]
    assert state["nested"][1][0].tolist() == [True]
    assert state["nested"][1][1] == "text"
    assert (state["tuple"][0].tolist(), state["tuple"][0].dtype) == ([7], "int64")
    assert list(load_tensors(tmp_path / "state")[0]) == ["tuple/0", "nested/0/t", "nested/1/0"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"a": {"b": object}}, "a/b cannot be saved: <class 'object'> is not a number"),
        ({"a": {1: 2}}, "a cannot be saved"),
        ({"a/b": bg.zeros(1), "a": {"b": bg.ones(1)}}, "two tensors .* would be called 'a/b'"),
    ],
)
def test_what_would_not_come_back_is_refused(tmp_path, state, said):
    with pytest.raises(ArgumentError, match=said):
        save_state(tmp_path / "state", state)
    assert not (tmp_path / "state").exists()


def test_numbers_of_other_libraries_come_back_as_python_s(tmp_path):
    numpy = pytest.importorskip("numpy")
    save_state(tmp_path / "s", {"a": numpy.float32(0.5), "b": [numpy.int64(3)]})
    assert load_state(tmp_path / "s") == {"a": 0.5, "b": [3]}


def test_every_changed_bit_of_a_number_or_text_is_noticed(tmp_path):
    path = tmp_path / "state"
    save_state(path, {"a": bg.Tensor([1.0, 2.0]), "b": 1.25})
    whole = path.read_bytes()
    for place in range(8, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if whole[place : place + 1] not in (b" ", b"!"):  # spaces at the end of the header
            with pytest.raises(ModelFileError, match="state"):
                load_state(path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", "{", "[" * 10**6),
        *('{"a": {"$tensor": "none"}}', '{"a": {"$tensor": []}}', '{"$tensor": "t"}'),
        '{"a": {"$tensor": "' + "9" * 5000 + '"}}',
    ],
)
def test_a_state_that_somebody_made_up_is_refused(tmp_path, text):
    tensors = {"t": bg.zeros(2)}
    metadata = {"format": "baregrad state", "state": text, "sha256": digest(text, tensors)}
    save_tensors(tmp_path / "state", tensors, metadata)
    with pytest.raises(ModelFileError, match="is not a baregrad state") as caught:
        load_state(tmp_path / "state")
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_a_dict_that_looks_like_a_tensor_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="cannot be saved"):
        save_state(tmp_path / "state", {"a": {MARK: "b"}})


def test_a_file_of_another_kind_is_refused(tmp_path):
    save_tensors(tmp_path / "model", {"t": bg.zeros(2)})
    with pytest.raises(ModelFileError, match="damaged, or not a baregrad state"):
        load_state(tmp_path / "model")


@pytest.mark.skipif(not __import__("os").path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_device_is_an_error(tmp_path):
    with pytest.raises(FileWriteError):
        save_state("/dev/full/state", STATE)
