import io
import os

import pytest

import baregrad as bg
from baregrad.data import cache as caches
from baregrad.data import text_blocks
from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.errors import ArgumentError, DataError, FileWriteError

TEXT = "size,colour,day\n" + "\n".join(
    f"{i / 4},{'red' if i % 3 else 'blue'},2024-01-{i % 28 + 1:02}" for i in range(200)
)


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    return path, tmp_path / "t.cache"


def contents(table):
    return {name: (table.kind(name), table[name]) for name in table.names}


def test_a_cached_table_is_the_table(files):
    path, cache = files
    table = read_table(path)
    for _ in range(2):
        cached = read_table(path, cache=cache)
        assert contents(cached) == contents(table)
        assert cached.place(7) == table.place(7) == f"{path}, line 9"


def test_a_cached_table_is_not_in_memory(files):
    path, cache = files
    table = read_table(path, cache=cache)
    assert isinstance(table.numbers("size"), memoryview)
    part = table.take(range(50, 60))
    assert isinstance(part.numbers("size"), memoryview)
    assert contents(part) == contents(read_table(path).take(range(50, 60)))


def test_the_cache_is_made_once(files, monkeypatch):
    path, cache = files
    read_table(path, cache=cache)
    monkeypatch.setattr(caches, "typed_blocks", None)
    assert len(read_table(path, cache=cache)) == 200


def test_a_cache_of_another_state_of_the_file_is_made_anew(files):
    path, cache = files
    read_table(path, cache=cache)
    path.write_text(TEXT.replace("red", "green"))
    assert read_table(path, cache=cache)["colour"][1] == "green"


def test_a_change_of_the_time_alone_is_noticed(files):
    path, cache = files
    read_table(path, cache=cache)
    path.write_text(TEXT.replace("red", "RED"))
    os.utime(path, ns=(0, 10**9))
    assert read_table(path, cache=cache)["colour"][1] == "RED"


def test_a_cache_made_with_other_options_is_made_anew(files):
    path, cache = files
    read_table(path, cache=cache)
    assert read_table(path, cache=cache, kinds={"size": "category"}).kind("size") == "category"
    assert len(read_table(path, cache=cache, header=False)) == 201


def test_a_damaged_cache_is_made_anew(files):
    path, cache = files
    read_table(path, cache=cache)
    content = cache.read_bytes()
    cache.write_bytes(content[:-16] + b"\xff" * 8 + content[-8:])
    assert len(read_table(path, cache=cache)) == 200
    cache.write_bytes(caches.MARK)
    assert len(read_table(path, cache=cache)) == 200


@pytest.mark.parametrize("content", [b"", b"precious"])
def test_another_file_is_not_written_over(files, content):
    path, cache = files
    cache.write_bytes(content)
    with pytest.raises(DataError, match=r"t.cache is not the cache of a table, so it is not writ"):
        read_table(path, cache=cache)
    assert cache.read_bytes() == content


def test_the_table_itself_is_not_its_cache(files):
    path, _ = files
    with pytest.raises(DataError, match=r"t.csv is not the cache of a table"):
        read_table(path, cache=path)
    assert path.read_text() == TEXT


@pytest.mark.parametrize("path", ["-", io.StringIO(TEXT)])
def test_what_can_be_read_only_once_has_no_cache(files, path):
    with pytest.raises(ArgumentError, match="only what is read from a file can have a cache"):
        read_table(path, cache=files[1])


def test_a_cache_that_cannot_be_read_is_named(files):
    path, cache = files
    with pytest.raises(DataError, match=r"the cache .* cannot be read: Is a directory"):
        read_table(path, cache=cache.parent)


def test_a_cache_that_cannot_be_written_is_named(files):
    path, cache = files
    with pytest.raises(FileWriteError, match=r"none/t.cache cannot be written: No such file"):
        read_table(path, cache=cache.parent / "none" / "t.cache")


def test_text_far_down_is_read_as_text(files, monkeypatch):
    path, cache = files
    monkeypatch.setattr(text_blocks, "BYTES", 100)
    path.write_text(TEXT + "\nmany,red,?")
    table = read_table(path, cache=cache)
    assert (table.kind("size"), table["size"][-3:]) == ("category", ["49.5", "49.75", "many"])
    assert len(list(cache.parent.iterdir())) == 2  # and no temporary file


def test_a_network_trains_from_a_cache_batch_by_batch(files):
    table = read_table(files[0], cache=files[1])
    preprocessor = Preprocessor.fit(table.take(range(150)), "size")
    model = bg.MLP(preprocessor.inputs, [1], seed=0)
    optimizer = bg.Adam(model.parameters(), lr=0.1)
    losses = []
    for epoch in range(3):
        for rows in bg.batches(150, 32, seed=0, epoch=epoch):
            part = table.take(rows)
            output = model(preprocessor.transform(part))
            loss = ((output - preprocessor.target(part)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
