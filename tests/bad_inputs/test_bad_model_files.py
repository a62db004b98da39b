"""Model files that are damaged or meant to do harm: one line says why, and nothing is run or made.

The attacks are those that safetensors readers are known to have to withstand (places that overlap
or leave holes, sizes that overflow, deep or doubled JSON; see "Format" in the documents of
https://github.com/huggingface/safetensors), and those on what baregrad keeps in the metadata.
"""

import json
import pickle
import re
import tracemalloc
import zipfile
from io import BytesIO
from struct import pack

import pytest

from baregrad.cli.main import main
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.files.architecture import described
from baregrad.nn.mlp import MLP

PREPROCESSOR = Preprocessor.fit(Table({"a": [1, 2, 4], "y": [1.5, 2, 8]}), "y").state()
ARCHITECTURE = described(MLP(1, [2, 1]))
SHAPES = {
    "layers.0.weight": (2, 1),
    "layers.0.bias": (2,),
    "layers.1.weight": (1, 2),
    "layers.1.bias": (1,),
}
ZEROS = bytes(4 * 7)


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return pack("<Q", len(text) if length is None else length) + text + data


def tensors(**changes):
    """The header's entries for the tensors of the network, one after the other."""
    entries, place = {}, 0
    for name, shape in SHAPES.items():
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        offsets = [place, place + size]
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": offsets}
        place += size
    entries["layers.0.weight"] |= changes
    return entries


def model(data=ZEROS, without=None, **changes):
    """A model file; keywords are changes of its metadata, as objects or as they stand there."""
    texts = {
        "format": "baregrad model",
        "version": "2",
        "baregrad": "0.1.0",
        "architecture": ARCHITECTURE,
        "training": {},
        "preprocessor": PREPROCESSOR,
    } | changes
    metadata = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in texts.items()
        if name != without
    }
    return file_of({"__metadata__": metadata, **tensors()}, data)


def network(**changes):
    return model(architecture=ARCHITECTURE | changes)


def reader(**changes):
    return model(preprocessor=PREPROCESSOR | changes)


def column(**changes):
    return reader(columns=[PREPROCESSOR["columns"][0] | changes])


class Bomb:
    """What a pickle can do to whoever loads it."""

    def __reduce__(self):
        return print, ("BOOM",)


def torch_file():
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    return stream.getvalue()


FILES = {
    # --- the container ---
    "empty": (b"", "a header of 0 bytes cannot be in a file of 0 bytes"),
    "half a length": (b"\1\0\0", "a header of 1 bytes cannot be in a file of 3 bytes"),
    "length alone": (pack("<Q", 80), "a header of 80 bytes cannot be in a file of 8 bytes"),
    "a huge length": (file_of({}, length=2**64 - 1), "bytes is more than 100000000"),
    "a length beyond the file": (file_of({}, length=3), "cannot be in a file of 10 bytes"),
    "a pickle": (pickle.dumps(Bomb()), "is not a safetensors file"),
    "a file of PyTorch": (torch_file(), "is not a safetensors file"),
    "a gzip file": (b"\x1f\x8b\x08" + bytes(50), "is not a safetensors file"),
    "a table": (b"a,y\n" + b"1,2\n" * 9, "is not a safetensors file"),
    "an HTML page": (b"<!DOCTYPE html><html>" * 5, "is not a safetensors file"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "is not a safete"),
    # --- the header ---
    "no JSON": (file_of(b"{]"), "the header is not JSON"),
    "a list": (file_of(b"[1]"), "the header does not begin with '{'"),
    "a blank before": (file_of(b" {}"), "the header does not begin with '{'"),
    "no UTF-8": (file_of(b'{"\xff":1}'), "the header is not JSON"),
    "half a surrogate pair": (file_of(b'{"\\ud800":1}'), "surrogates not allowed"),
    "deep JSON": (file_of(b'{"x":' + b"[" * 10**6), "nested too deeply"),
    "deep objects": (file_of(b'{"x":' * 10**5), "nested too deeply"),
    "a long number": (file_of(b'{"x":' + b"9" * 10**5 + b"}"), "the header is not JSON"),
    "NaN": (file_of(b'{"x":NaN}'), "NaN is not a finite number"),
    "a number too large": (file_of(b'{"x":1e400}'), "1e400 is not a finite number"),
    "a name twice": (file_of(b'{"x":1,"x":2}'), "a name stands twice"),
    "metadata of numbers": (file_of({"__metadata__": {"a": 1}}), "is not an object of strings"),
    "a long name": (file_of({"x" * 10**5: 1}), "tensor 'xxxx"),
    # --- places of tensors ---
    "overlap": (
        file_of({n: tensors()["layers.0.weight"] for n in "xy"}, bytes(8)),
        "tensor 'y' overlaps another: it begins at 0",
    ),
    "a hole": (
        file_of({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        "tensor 'x' leaves a hole before it",
    ),
    "more data": (model(data=ZEROS + b"\0"), "it goes on after them"),
    "less data": (model(data=ZEROS[:-1]), "it is cut off"),
    "backwards": (file_of(tensors(data_offsets=[8, 0]), ZEROS), "data_offsets are \\[8, 0\\]"),
    "negative places": (file_of(tensors(data_offsets=[-8, 0]), ZEROS), "integers above -1"),
    "places of text": (file_of(tensors(data_offsets="08"), ZEROS), "not lists of integers"),
    "places too large": (file_of(tensors(data_offsets=[0, 2**64]), ZEROS), "not lists of inte"),
    "a product that overflows": (
        file_of(tensors(shape=[2**32, 2**32, 2]), ZEROS),
        "has 2\\*\\*63 elements or more",
    ),
    "a size that is not there": (
        file_of({"x": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}),
        "it is cut off",
    ),
    "a shape of floats": (file_of(tensors(shape=[2.0, 1]), ZEROS), "not lists of integers"),
    "a shape of truths": (file_of(tensors(shape=[True, 2]), ZEROS), "not lists of integers"),
    "too many dimensions": (file_of(tensors(shape=[1] * 99), ZEROS), "more than 64 dimensions"),
    "an unknown type": (file_of(tensors(dtype="F8_E4M3"), ZEROS), "has dtype 'F8_E4M3'; only"),
    "a type of its own": (file_of(tensors(dtype={"a": []}), ZEROS), "only F32, F64, I64, BOOL"),
    "more than the format has": (file_of(tensors(code="x"), ZEROS), "and nothing else"),
    "a bool of 2": (
        file_of({"x": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}}, b"\2"),
        "is BOOL and has a byte 2",
    ),
    # --- the model ---
    "tensors alone": (file_of(tensors(), ZEROS), "no baregrad model; read it with load_tensors"),
    "another format": (model(format="pt"), "no baregrad model; read it with load_tensors"),
    "a later version": (model(version="3"), "this baregrad reads version '2'; use a newer"),
    "no version": (model(without="version"), "'version' is missing"),
    "no architecture": (model(without="architecture"), "'architecture' is missing"),
    "architecture cut off": (model(architecture='{"kind"'), "Expecting ':' delimiter"),
    "architecture of two minds": (
        model(architecture='{"kind": "MLP", "kind": "Linear"}'),
        "a name stands twice",
    ),
    "an architecture that is a list": (model(architecture=[]), "not made of JSON objects"),
    "deep architecture": (model(architecture="[" * 10**5), "nested too deeply"),
    "an endless architecture": (model(architecture=" " * 10**6 + "{}"), "more than 1000000 lett"),
    "a class to import": (network(kind="os.system"), "a part that is of no known kind"),
    "a class of Python": (network(kind="__import__"), "a part that is of no known kind"),
    "terabytes": (network(inputs=10**9, neurons=[10**9, 1]), "has 10000000010* weights in 2"),
    "a number of text": (network(inputs="1" * 99, neurons=[10**11, 1]), "sizes must be integers"),
    "a number of lists": (network(inputs=[0], neurons=[10**11, 1]), "sizes must be integers"),
    "a million layers": (network(neurons=[1] * 10**5), "in 100000 tensors, or more, and it holds"),
    "no layers": (network(neurons=[]), "neurons must be a list with the size of each layer"),
    "a negative size": (network(neurons=[-2, 1]), "sizes must be integers from 1"),
    "another size": (network(neurons=[1, 1]), "has shape \\(2,\\), and that of its architecture"),
    "an unknown activation": (network(activation="tahn"), "unknown activation 'tahn'; did you"),
    "a program for an activation": (network(activation="lambda x: 1"), "unknown activation"),
    "an argument of another": (network(generator=1), "unexpected keyword argument"),
    "dropout of everything": (network(dropout=1.0), "dropout probability must be a number of at"),
    "integers for weights": (network(dtype="int64"), "parameters must be float32"),
    "probabilities for scores": (
        model(
            architecture=ARCHITECTURE | {"output_activation": "sigmoid"},
            preprocessor=PREPROCESSOR | {"target": {"name": "y", "classes": ["a", "b"]}},
        ),
        "ends in a sigmoid, and its outputs would be taken for scores",
    ),
    # --- the preprocessor and the rest ---
    "no training": (model(without="training"), "'training' is missing"),
    "infinite training": (model(training='{"loss": Infinity}'), "Infinity is not a finite number"),
    "a preprocessor of nothing": (model(preprocessor={}), "state of the preprocessor is damaged"),
    "no columns": (reader(columns=[]), "the model has 1 inputs and the preprocessor 0 features"),
    "a column too many": (
        reader(columns=PREPROCESSOR["columns"] * 2),
        "the model has 1 inputs and the preprocessor 2 features",
    ),
    "columns of text": (reader(columns="a"), "state of the preprocessor is damaged"),
    "an unknown kind": (column(kind="pickle"), "unknown kind|state of the preprocessor is damaged"),
    "a column without a name": (column(name=None), "None is not text"),
    "a scale of 0": (
        column(scaling={"name": "standard", "center": 0, "scale": 0, "points": []}),
        "a scale must be above 0",
    ),
    "a scale of text": (
        reader(target={"name": "y", "mean": 0, "scale": "1"}),
        "'1' is not a finite number",
    ),
    "one class": (reader(target={"name": "y", "classes": ["a"]}), "two different classes"),
    "a class twice": (reader(target={"name": "y", "classes": ["a", "a"]}), "two different"),
    "three classes": (reader(target={"name": "y", "classes": ["a", "b", "c"]}), "target needs 3"),
    "embeddings that the model lacks": (
        reader(columns=[{"kind": "code", "name": "a", "categories": ["x"]}]),
        "begin it with EmbeddedFeatures",
    ),
}  # fmt: skip


@pytest.fixture
def inspect(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(content):
        (tmp_path / "m.safetensors").write_bytes(content)
        return main(["inspect", "m.safetensors"]), capsys.readouterr()

    return run


@pytest.mark.parametrize("name", FILES)
def test_a_bad_model_file_is_refused_in_one_short_line(name, inspect):
    content, said = FILES[name]
    code, output = inspect(content)
    assert (code, output.out) == (1, "")
    assert re.match(r"baregrad: error: m\.safetensors [^\n]{1,800}\n\Z", output.err)
    assert re.search(said, output.err)


def test_the_file_that_all_of_them_are_made_from_is_a_model(inspect):
    code, output = inspect(model())
    assert (code, output.err) == (0, "")


@pytest.mark.parametrize(
    "name", ["a huge length", "a size that is not there", "terabytes", "a number of text"]
)
def test_a_small_file_takes_little_memory(name, inspect):
    tracemalloc.start()
    inspect(FILES[name][0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
