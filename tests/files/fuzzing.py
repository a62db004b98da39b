"""A fuzzer of model files and checkpoints: each file has a number, by which it is made again.

`python -m tests.files.fuzzing 1234` loads file 1234 and says what comes of it;
`python -m tests.files.fuzzing 0 1000000` loads a million, with limits of time and memory.
"""

import json
import signal
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from random import Random

import baregrad as bg
from baregrad.cli.inspect import as_text, contents
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import BaregradError, ModelFileError
from baregrad.files.model import load_model, save_model
from baregrad.files.state import load_state, save_state
from baregrad.nn.embedding import EmbeddedFeatures
from baregrad.nn.layers import BatchNorm1d, Dropout, LayerNorm, Sequential
from baregrad.nn.mlp import MLP, Layer
from tests.files.mutations import UNFIT, joined, mutated, split

BLOCK = 1000  # files
SECONDS = 60  # for a block, which takes less than one
MEGABYTES = 300  # more of them than before are not to be had
MESSAGE = 1500  # characters of a message, beside the path

TABLE = Table(
    {
        "number": [1, 2, None, 6],
        "colour": ["red", "green", "red", None],
        "day": ["2024-01-01", "2024-02-03", "2025-01-01", "2023-04-05"],
        "open": ["yes", "no", "no", None],
        "class": ["a", "b", "c", "a"],
        "price": [1.5, 2, 3, 8],
    }
)


class Fuzzer:
    """Files with changes, and what loading one of them must come to.

    Args:
        folder: for the file that is loaded, which stays there.
    """

    def __init__(self, folder):
        self.path = folder / "fuzzed.safetensors"
        self.models = [model_file(self.path, *parts) for parts in models()]
        self.states = [state_file(self.path)]
        # kept open, as file systems take their time with files that are made or emptied
        self.file = self.path.open("wb", buffering=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def content(self, number):
        """What the file with a number holds."""
        random = Random(number)
        if not self.is_state(number):
            return mutated(self.models, random)
        content = mutated(self.states, random)
        return content if random.random() < 0.2 else with_digest(content)

    def is_state(self, number):
        """Whether the file with a number was a checkpoint's, before it was changed."""
        return number % 10 == 0

    def check(self, numbers):
        """Loads files: each is good, and can be used, or refused by one clear exception.

        Returns:
            How many were good: none or all would say that the fuzzer tests nothing.
        """
        good = 0
        for number in numbers:
            content = self.content(number)
            self.file.seek(0)
            self.file.write(content)
            self.file.truncate()
            try:
                good += is_good(self.path, load_state if self.is_state(number) else load_used)
            except BaseException as error:
                error.add_note(
                    f"to see it again: python -m tests.files.fuzzing {number}; the file was "
                    f"{content!r}"
                )
                raise
        return good


def models():
    """A model of every kind of part, each with its preprocessor."""
    price = Preprocessor.fit(TABLE, "price", scaling="quantile")
    robust = Preprocessor.fit(TABLE, "class", scaling="robust")
    codes = Preprocessor.fit(TABLE, "class", categories="embedding")
    front = EmbeddedFeatures(codes.inputs, codes.embeddings, 2, seed=0)
    yield MLP(2, [3, 1], seed=0), None
    yield MLP(price.inputs, [2, 1], "relu", norm="batch", dropout=0.5, seed=0), price
    yield MLP(robust.inputs, [3], dtype="float64", seed=0), robust
    yield Sequential(front, LayerNorm(front.outputs), MLP(front.outputs, [3], seed=0)), codes
    yield Sequential(Layer(3, 2, "selu", seed=0), BatchNorm1d(2), Sequential(Dropout())), None


def model_file(path, model, preprocessor):
    save_model(path, model, preprocessor, {"epochs": 3, "loss": "mse", "best": [0.5, None]})
    return path.read_bytes()


def state_file(path):
    """A checkpoint, which has tensors of all data types."""
    tensors = [bg.Tensor([True, False]), bg.Tensor([[1, -2]]), bg.zeros(2, dtype="float64")]
    state = {"weights": dict(zip("abc", tensors, strict=True)), "rate": float("inf"), "done": None}
    save_state(path, {"step": 3, "optimizer": [state, {}], "text": "é", "last": bg.ones(3)})
    return path.read_bytes()


def with_digest(content):
    """A changed state file, whose digest is made right again where that is possible."""
    try:
        header, data = split(content)
        texts = header["__metadata__"]
        found = sha256(texts["state"].encode())
        for name in sorted(header.keys() - {"__metadata__"}):
            found.update(data[slice(*header[name]["data_offsets"])])
        texts["sha256"] = found.hexdigest()
    except UNFIT:
        return content
    return joined(header, data)


def load_used(path):
    use(load_model(path))


def is_good(path, load):
    """Whether a file can be loaded; if not, the message is short, and names it."""
    try:
        load(path)
    except ModelFileError as error:
        text = str(error)
    else:
        return True
    assert str(path) in text
    assert len(text) < MESSAGE + len(str(path))
    return False


def use(saved):
    """Shows it, and predicts from a table, which may well not be one for this preprocessor."""
    facts = {"file": "", "bytes": 0, "format_version": "", "baregrad": "", **contents(saved)}
    assert json.dumps(facts)
    assert as_text(facts, saved)
    model, preprocessor, _ = saved
    if preprocessor is None:
        return
    try:
        output = model(preprocessor.transform(TABLE))
        preprocessor.predictions(output)
        if preprocessor.classes:
            preprocessor.probabilities(output)
    except BaregradError:
        return


# --- as a program -----------------------------------------------------------------------------


def limit_memory():
    """Refuses what no small file needs."""
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEGABYTES * 2**20,) * 2)


def too_long(*_):
    raise TimeoutError(f"a block of {BLOCK} files should not take {SECONDS} s")


def check_blocks(fuzzer, first, count):
    """Checks files block by block, each within a time, and says how many of each were good."""
    limit_memory()
    signal.signal(signal.SIGALRM, too_long)
    for start in range(first, first + count, BLOCK):
        signal.alarm(SECONDS)
        end = min(start + BLOCK, first + count)
        good = fuzzer.check(range(start, end))
        signal.alarm(0)
        print(f"files up to {end}: {good} good", flush=True)


def show(fuzzer, number):
    """What comes of one file."""
    print(fuzzer.content(number))
    print("good" if fuzzer.check([number]) else "refused")


def main(first, count=None):
    """Checks one file, or several."""
    with tempfile.TemporaryDirectory() as folder, Fuzzer(Path(folder)) as fuzzer:
        if count is None:
            show(fuzzer, first)
        else:
            check_blocks(fuzzer, first, count)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
