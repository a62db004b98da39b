import math

import pytest

import baregrad as bg
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError
from baregrad.nn.embedding import EmbeddedFeatures, Embedding


def test_a_category_has_its_vector():
    embedding = Embedding(4, 3, seed=0)
    rows = embedding.weight.tolist()
    assert embedding([2, 0, 2]).tolist() == [rows[2], rows[0], rows[2]]
    assert embedding(bg.Tensor([[1], [3]])).shape == (2, 1, 3)
    assert embedding.describe() == "4, 3"


def test_what_is_not_known_begins_as_zeros_and_the_others_with_variance_one_over_size():
    rows = Embedding(500, 4, seed=0).weight.tolist()
    assert rows[0] == [0, 0, 0, 0]
    squares = [value**2 for row in rows[1:] for value in row]
    assert math.fsum(squares) / len(squares) == pytest.approx(1 / 4, rel=0.1)


def test_the_vectors_of_known_categories_come_from_the_initializer():
    embedding = Embedding(3, 2, initializer=lambda count, size, _: bg.ones(count, size))
    assert embedding.weight.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert Embedding(1, 2).weight.tolist() == [[0, 0]]


def test_only_vectors_that_occur_have_a_gradient():
    embedding = Embedding(4, 2, seed=0)
    embedding([3, 1, 3]).sum().backward()
    assert embedding.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [2, 2]]


def test_numbers_of_no_category_are_refused():
    for number in (4, -1):  # which pandas gives to a missing category
        with pytest.raises(OutOfRangeError, match=f"must be from 0 to 3, and number 1 is {number}"):
            Embedding(4, 2, seed=0)([0, number])
    with pytest.raises(DTypeError, match="numbers of categories, int64, not float32"):
        Embedding(4, 2, seed=0)([1.0])


@pytest.mark.parametrize(("count", "size"), [(0, 2), (2, 0)])
def test_there_are_categories_and_numbers_for_them(count, size):
    with pytest.raises(ArgumentError, match="must be an integer of at least 1"):
        Embedding(count, size)


def test_features_that_number_categories_become_vectors_behind_the_others():
    layer = EmbeddedFeatures(4, {1: 3, 3: 2}, 2, seed=0)
    first, second = (e.weight.tolist() for e in layer.embeddings)
    found = layer([[0.5, 2, 0.25, 1], [1.5, 0, 1.25, 0]])
    assert found.tolist() == [[0.5, 0.25, *first[2], *second[1]], [1.5, 1.25, 0, 0, 0, 0]]
    assert layer([0.5, 2, 0.25, 1]).tolist() == found[0].tolist()
    assert layer.outputs == found.shape[1] == 6
    assert first[1] != second[1]
    assert len(list(layer.parameters())) == 2
    assert layer.describe() == "4, 6"


def test_all_features_may_be_categories():
    assert EmbeddedFeatures(1, {0: 3}, 2, seed=0)([[1], [2]]).shape == (2, 2)


def test_features_that_are_not_there_cannot_be_embedded():
    with pytest.raises(ArgumentError, match="there is no feature 2 to embed; there are 2"):
        EmbeddedFeatures(2, {2: 3})
    with pytest.raises(ShapeError, match="expects 2 features"):
        EmbeddedFeatures(2, {1: 3})([[1.0]])


def test_categories_of_a_table_are_learned():
    colours = ["red", "green", "blue", "red", "green", "blue"]
    table = Table({"colour": colours, "size": [1, 2, 3, 3, 2, 1], "y": [1.5, 0, -1, 1.5, 0, -1]})
    preprocessor = Preprocessor.fit(table, "y", "regression", categories="embedding")
    assert (preprocessor.feature_names, preprocessor.embeddings) == (
        ["colour code", "size"],
        {0: 4},
    )
    layer = EmbeddedFeatures(preprocessor.inputs, preprocessor.embeddings, 2, seed=0)
    model = bg.Sequential(layer, bg.Linear(layer.outputs, 1, seed=1))
    x, y = preprocessor.transform(table), preprocessor.target(table)
    bg.fit(model, x, y, "mse", bg.Adam(model.parameters(), lr=0.1), epochs=60, batch_size=6, seed=0)
    assert ((model(x) - y) ** 2).mean().item() < 0.01
    unseen = preprocessor.transform(Table({"colour": ["pink"], "size": [2]}))
    assert unseen.tolist()[0][0] == 0
    assert layer(unseen).tolist()[0][1:] == [0, 0]
