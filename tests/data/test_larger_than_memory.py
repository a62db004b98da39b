"""Training from files: the same as from memory, in memory that does not grow with the table."""

import subprocess
import sys
from pathlib import Path

import pytest

from baregrad.data import table as tables
from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.data.split import train_test_split
from baregrad.errors import ArgumentError, FileWriteError
from baregrad.nn.mlp import MLP
from baregrad.tensor.borrowed import Borrowed
from baregrad.training.fit import fit


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_CELLS", 16)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 16)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cars.csv"
    rows = (
        f"{i},{'?' if i % 9 == 0 else i * 37 % 101},{['red', 'blue', ' green', 'NA'][i % 4]},"
        f"20{10 + i % 9}-0{1 + i % 9}-11,{'yes' if i % 3 else 'no'},{(i * i) % 50 + 0.5}\n"
        for i in range(150)
    )
    path.write_text("car_id,power,colour,built,sold,price\n" + "".join(rows))
    return path


@pytest.mark.parametrize(
    ("target", "scaling"), [("price", "standard"), ("price", "quantile"), ("colour", "robust")]
)
def test_training_from_files_gives_the_weights_of_training_in_memory(
    file, tmp_path, small_blocks, target, scaling
):
    weights = []
    for cache in (None, tmp_path / "cache"):

        def into(name, cache=cache):
            return cache and tmp_path / name

        known = read_table(file, cache=cache).drop_missing(target)
        rows = [row for row in range(len(known)) if row % 5]
        train, others = known.take(rows), known.take(range(0, len(known), 5))
        preprocessor = Preprocessor.fit(train, target, scaling=scaling)
        x, y = preprocessor.transform(train, into("x")), preprocessor.target(train, into("y"))
        assert isinstance(x.held, Borrowed) == isinstance(y.held, Borrowed) == bool(cache)
        validation = preprocessor.transform(others), preprocessor.target(others)
        model = MLP(preprocessor.inputs, [4, preprocessor.outputs], seed=0)
        loss = "cross_entropy" if preprocessor.classes else "mse"
        history = fit(
            model, x, y, loss, epochs=2, seed=1, compiled=True, validation_data=validation
        )
        assert history.fallback is None
        state = [p.tolist() for p in model.state_dict().values()]
        weights.append((preprocessor.state(), history.history, state))
        assert isinstance(x.held, Borrowed) == isinstance(y.held, Borrowed) == bool(cache)
    assert weights[0] == weights[1]


def test_rows_taken_of_a_mapped_table_are_those_of_a_table_in_memory(file, tmp_path, small_blocks):
    both = [read_table(file), read_table(file, cache=tmp_path / "cache")]
    found = []
    for table in both:
        part = table.take([5, 3, 80, 3, -1]).take(range(1, 5)).take([3, 0])
        cells = [part[name] for name in part.names]
        missing = part.missing_rows("colour"), part.has_missing("power"), part.has_missing("colour")
        numbers, distinct = list(part.numbers("power")), part.distinct("colour")
        assert numbers[1] == part.numbers("power")[1]
        found.append(
            (cells, part.place(0), part.kind("sold"), numbers, distinct, missing, repr(part))
        )
        assert [len(block) for block in table.take(range(20)).blocks()] == [16, 4]
    assert found[0] == found[1]


def test_blocks_have_the_kinds_of_the_whole_table(file, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_ROWS", 1)
    monkeypatch.setattr(tables, "BLOCK_CELLS", 1)
    table = read_table(file, cache=tmp_path / "cache").take(range(4))
    for block in table.blocks():
        assert [block.kind(name) for name in block.names] == [table.kind(n) for n in table.names]


def test_a_mapped_table_is_split_into_the_same_rows_in_their_own_order(file, tmp_path):
    own, mapped = read_table(file), read_table(file, cache=tmp_path / "cache")
    labels = own["sold"]
    for stratify in (None, labels):
        in_memory = train_test_split(own, labels, seed=3, stratify=stratify)
        from_file = train_test_split(mapped, labels, seed=3, stratify=stratify)
        for part, other in zip(in_memory[:2], from_file[:2], strict=True):
            assert sorted(part["car_id"], key=int) == other["car_id"]
        assert [from_file[2], from_file[3]] == [part["sold"] for part in from_file[:2]]


def test_an_unknown_row_of_a_mapped_table_is_refused(file, tmp_path):
    with pytest.raises(IndexError):
        read_table(file, cache=tmp_path / "cache").take([150])


def test_features_that_cannot_be_written_say_so(file, tmp_path):
    table = read_table(file)
    preprocessor = Preprocessor.fit(table, "price")
    with pytest.raises(FileWriteError, match="check the folder"):
        preprocessor.transform(table, into=tmp_path / "nowhere" / "x")
    with pytest.raises(ArgumentError, match="unknown column"):
        Preprocessor.fit(table, "price", ignore=["colours"])


PROGRAM = """
import resource, sys
import baregrad as bg
from baregrad.data import table, text_blocks
table.BLOCK_CELLS, text_blocks.BYTES = 1 << 14, 1 << 15
bg.set_threads(1)  # each has a stack
folder, cache, room = sys.argv[1], sys.argv[2] == "cached", int(sys.argv[3])
def into(name): return folder + name if cache else None
def trained(x, y, *validation):
    return bg.fit(bg.MLP(30, [4, 1], seed=0), x, y, epochs=1, batch_size=256, seed=0,
                  validation_data=validation, compiled=True)
trained(*map(bg.zeros, [(256, 30), (256, 1)] * 2))  # the compiler is not counted
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) for line in status if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + (room << 20), used + (room << 20)))
table = bg.read_table(folder + "/big.csv", cache=into("/cache"))
train, test = table.take(range(45_000)), table.take(range(45_000, 60_000))
made = bg.Preprocessor.fit(train, "x0", "regression")
data = [made.transform(train, into("/x")), made.target(train, into("/y"))]
data += [made.transform(test, into("/v")), made.target(test, into("/w"))]
print(trained(*data).last())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds maps on Linux only")
def test_training_from_files_needs_less_memory_than_the_table_has(tmp_path):
    """60,000 rows of 31 numbers are 15 MB."""
    with open(tmp_path / "big.csv", "w") as file:
        file.write(",".join(f"x{i}" for i in range(31)) + "\n")
        file.writelines(f"{i % 13}{f',{i % 1009}' * 29},{i % 17}\n" for i in range(60_000))

    def run(how, room):
        program = [sys.executable, "-c", PROGRAM, str(tmp_path), how, str(room)]
        root = Path(__file__).parents[2]
        return subprocess.run(program, capture_output=True, text=True, cwd=root, timeout=120)

    assert "MemoryError" in run("in memory", 9).stderr
    cached = run("cached", 9)
    assert (cached.stderr, cached.stdout) == ("", run("in memory", 100).stdout)
