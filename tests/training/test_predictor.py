"""Predictors, against the models they were made from."""

import copy
import math
import os
import pickle
import threading
from array import array

import pytest

import baregrad as bg
from baregrad import Predictor, Tensor
from baregrad.compiler.vector.compile import target_named
from baregrad.engines import selection
from baregrad.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import ExecutableMemoryError, UnsupportedMachineError
from baregrad.training import predictor as module
from baregrad.training.predictor import BLOCK

native = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")

CLOSE = {"rel": 1e-5, "abs": 1e-6}  # float32, added up in another order


def network(inputs=3, neurons=(7, 2), **options):
    return bg.MLP(inputs, list(neurons), seed=1, **options)


def rows(samples, features=3, seed=5):
    return bg.Generator(seed).randn(samples, features)


def flat(tensor):
    return tensor.flatten().tolist()


class Picks(bg.Module):
    """Chooses rows of a table by the numbers it is given."""

    def __init__(self):
        self.table = rows(4, 2)

    def forward(self, x):
        return self.table.take(x[:, 0].astype("int64"))


@pytest.fixture
def refused(monkeypatch):
    def refuse():
        raise UnsupportedMachineError("not this processor")

    monkeypatch.setattr(module, "chosen_target", refuse)


NETWORKS = {
    "relu": {"activation": "relu"},
    "classes": {"neurons": (7, 5, 4), "output_activation": "softmax"},
    "batch norm": {"norm": "batch"},
    "layer norm": {"norm": "layer", "neurons": (33, 1)},
    "dropout": {"dropout": 0.5},
}


@native
@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_and_rows_are_predicted_as_by_the_model(name):
    model = network(**NETWORKS[name])
    model(rows(20, seed=8))  # batch norm sees some numbers
    predict = Predictor(model)
    assert model.training
    model.eval()
    x = rows(9)
    assert predict.fallback is None
    assert flat(predict(x)) == pytest.approx(flat(model(x)), **CLOSE)
    assert predict(x.tolist()[4]) == pytest.approx(model(x[4]).tolist(), **CLOSE)


@native
@pytest.mark.parametrize("engine", ["avx2", "avx512"])
def test_each_kind_of_vectors_predicts(engine, monkeypatch):
    try:
        target = target_named(engine)
    except UnsupportedMachineError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(module, "chosen_target", lambda: target)
    model, x = network(), rows(BLOCK + 3)
    predict = Predictor(model)
    assert flat(predict(x)) == pytest.approx(flat(model(x)), **CLOSE)
    assert predict(x.tolist()[1]) == pytest.approx(model(x[1]).tolist(), **CLOSE)


@native
@pytest.mark.parametrize("samples", [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_any_number_of_rows(samples):
    model = network()
    found = Predictor(model)(rows(samples))
    assert found.shape == (samples, 2)
    assert flat(found) == pytest.approx(flat(model(rows(samples))), **CLOSE)


@native
def test_long_predictions_are_several_native_calls(monkeypatch):
    monkeypatch.setattr(module, "CALL", 0.0)
    predict = Predictor(network())
    x = rows(3 * BLOCK + 1)
    assert len(list(predict._calls(len(x)))) == 4
    assert flat(predict(x)) == pytest.approx(flat(network()(x)), **CLOSE)


def test_the_answer_is_of_the_kind_of_the_question():
    model = network()
    predict, x = Predictor(model), [0.5, -1.0, 2.0]
    expected = model(x).tolist()
    for row in (x, tuple(x), [1 / 2, -1, True + 1]):
        found = predict(row)
        assert type(found) is list
        assert found == pytest.approx(expected, **CLOSE)
    (found,) = predict([x])
    assert found == pytest.approx(expected, **CLOSE)
    for data in (Tensor(x), array("f", x), array("d", x), Tensor(x).astype("float64")):
        found = predict(data)
        assert isinstance(found, Tensor)
        assert (found.shape, found.dtype) == ((2,), "float32")
        assert found.tolist() == pytest.approx(expected, **CLOSE)


@native
def test_weights_are_those_of_when_it_was_made():
    model = network()
    predict, x = Predictor(model), [0.5, -1.0, 2.0]
    before = predict(x)
    model.layers[0].weight.assign(model.layers[0].weight * 2)
    assert predict(x) == before
    assert Predictor(model)(x) != before
    del model
    assert predict(x) == before


def test_without_machine_code_it_does_the_same(refused):
    model = network(dropout=0.5)
    predict, x = Predictor(model), rows(2)
    assert predict.fallback == "not this processor"
    expected = model.eval()(x).tolist()
    model.layers[0].weight.assign(model.layers[0].weight * 2)
    assert predict(x).tolist() == expected
    assert predict(x.astype("float64")).tolist() == expected
    assert predict(x.tolist()[0]) == pytest.approx(expected[0])
    with pytest.raises(ShapeError, match="a row of 3"):
        predict([1.0, 2.0])


def test_the_reference_engine_is_no_reason_to_warn(monkeypatch):
    monkeypatch.setattr(selection, "_process", selection.ReferenceEngine())
    model = network()
    predict = Predictor(model)
    assert predict.fallback == 'the engine is "reference", which runs no machine code'
    assert predict([1.0, 2.0, 3.0]) == model([1.0, 2.0, 3.0]).tolist()


@native
def test_where_memory_for_code_is_refused_there_is_a_warning(monkeypatch):
    def refuse(*arguments, **options):
        raise ExecutableMemoryError("not permitted")

    monkeypatch.setattr(module, "FrozenCode", refuse)
    monkeypatch.setattr(selection, "_warned", False)
    with pytest.warns(RuntimeWarning, match="not permitted"):
        predict = Predictor(network())
    assert predict.fallback == "not permitted"
    assert len(predict([1.0, 2.0, 3.0])) == 2


class Function(bg.Module):
    """A model that is a function."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


@native
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x * x.sum().item(), "looks at the numbers"),
        (lambda x: x.argmax(axis=1), "int64"),
        (lambda x: x + bg.rand(*x.shape) * 0, "random numbers"),
    ],
)
def test_what_cannot_be_compiled_runs_as_python_and_says_why(function, reason):
    predict = Predictor(Function(function), 3)
    assert reason in predict.fallback
    x = rows(2)
    assert predict(x).tolist() == function(x).tolist()


def test_a_float64_model_computes_in_float64():
    model = network(dtype="float64")
    predict = Predictor(model)
    assert predict.fallback is not None
    x = rows(2).astype("float64")
    assert predict(x).tolist() == model(x).tolist()


@native
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(axis=1),
        lambda x: x.reshape(-1, 1, 3) * Tensor([[1.0], [2.0]]),
        lambda x: x,
        lambda x: x * 0 + 1,
    ],
)
def test_outputs_of_any_shape(function):
    predict, x = Predictor(Function(function), 3), rows(2)
    assert predict.fallback is None
    assert predict(x).shape == function(x).shape
    assert flat(predict(x)) == pytest.approx(flat(function(x)), **CLOSE)
    (row, _), (expected, _) = x.tolist(), function(x).tolist()
    assert Tensor(predict(row)).shape == Tensor(expected).shape
    assert flat(Tensor(predict(row))) == pytest.approx(flat(Tensor(expected)), **CLOSE)


@native
def test_numbers_that_are_not_finite_go_through_the_model():
    predict = Predictor(Function(lambda x: x * 2), 2)
    assert predict([math.inf, -math.inf]) == [math.inf, -math.inf]
    assert predict([1e39, 1.0]) == [math.inf, 2.0]  # too large for float32
    assert math.isnan(predict([math.nan, 1.0])[0])


@native
def test_what_the_model_checks_is_checked_for_each_row():
    predict = Predictor(Picks(), 1)
    assert predict.fallback is None
    assert predict([3]) == rows(4, 2)[3].tolist()
    assert predict([[1], [0]]) == rows(4, 2)[bg.Tensor([1, 0])].tolist()
    for wrong in ([4], [[0], [-5]]):
        with pytest.raises(OutOfRangeError):
            predict(wrong)


@native
def test_what_the_model_checks_of_its_tensors_is_checked_at_once():
    chosen, table = Tensor([1, 3, 0]), rows(4, 1)
    model = Function(lambda x: x * table.take(chosen).reshape(3))
    predict = Predictor(model, 3)
    assert predict([1.0, 2.0, 3.0]) == pytest.approx(model([1.0, 2.0, 3.0]).tolist(), **CLOSE)
    chosen.assign([1, 4, 0])
    with pytest.raises(OutOfRangeError):
        Predictor(model, 3)


# --- wrong input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [[], [1.0], [1.0] * 4, [[1.0] * 4], [[[1.0] * 3]], [[1.0] * 3, [1.0]], Tensor(1.0), rows(3, 2)],
)
def test_another_shape_is_refused(wrong):
    with pytest.raises(ShapeError):
        Predictor(network())(wrong)


@pytest.mark.parametrize("wrong", [["a", "b", "c"], [None] * 3, "abc", {1.0, 2.0, 3.0}, [1j] * 3])
def test_what_is_no_number_is_refused(wrong):
    predict = Predictor(network())
    with pytest.raises(DTypeError):
        predict(wrong)
    assert len(predict([1.0, 2.0, 3.0])) == 2  # and nothing is left behind


def test_the_number_of_features_must_be_known():
    with pytest.raises(ArgumentError, match="how many features"):
        Predictor(bg.Linear(3, 2))
    assert len(Predictor(bg.Linear(3, 2), 3)([1.0, 2.0, 3.0])) == 2
    with pytest.raises(ArgumentError, match="features must be an integer"):
        Predictor(network(), 0)
    with pytest.raises(ShapeError):
        Predictor(network(), 4)


@native
@pytest.mark.parametrize("function", [lambda x: x.sum(), lambda x: [x, x]])
def test_a_model_must_return_one_tensor_of_rows(function):
    with pytest.raises(ShapeError, match="must return one tensor"):
        Predictor(Function(function), 3)


# --- threads and processes ------------------------------------------------------------------------


@native
def test_threads_share_a_predictor():
    model = network(4, (16, 2))
    predict, x = Predictor(model), rows(2 * BLOCK, 4)
    expected, many = [predict(row) for row in x.tolist()[:50]], predict(x).tolist()
    wrong, together = [], threading.Barrier(4)

    def work():
        together.wait()
        for _ in range(10):
            wrong.extend(
                1 for row, y in zip(x.tolist(), expected, strict=False) if predict(row) != y
            )
            if predict(x).tolist() != many:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@native
def test_a_predictor_in_use_gets_another_seat():
    predict = Predictor(network())
    x = [1.0, 2.0, 3.0]
    expected = predict(x)
    seat = predict._seats.pop()  # as by a thread, or a signal's handler, in the midst of a call
    assert predict(x) == expected
    predict._seats.append(seat)
    assert predict(x) == expected
    assert len(predict._seats) == 2


@native
def test_a_large_network_predicts_a_row_on_several_threads(monkeypatch):
    monkeypatch.setattr("baregrad.compiler.launch._WORTH_WAKING", 1.0)
    model = network(64, (2048, 512), activation="relu")
    x = rows(1, 64)
    try:
        bg.set_threads(2)
        predict = Predictor(model)
        assert predict._one._launch.schedule.is_parallel
        found = predict(x.tolist()[0])
        bg.set_threads(1)
        assert found == Predictor(model)(x.tolist()[0])
        assert found == pytest.approx(model(x)[0].tolist(), rel=1e-4, abs=1e-5)
    finally:
        bg.set_threads(None)


@native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_predicts():
    predict, x = Predictor(network()), rows(300)
    expected, row = predict(x).tolist(), predict([1.0, 2.0, 3.0])
    child = os.fork()
    if not child:
        status = 1
        try:
            right = predict(x).tolist() == expected and predict([1.0, 2.0, 3.0]) == row
            status = 0 if right else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, pickle.dumps])
def test_a_predictor_that_is_copied_says_what_to_copy(copied):
    with pytest.raises(ArgumentError, match="copy or pickle the model"):
        copied(bg.Predictor(bg.MLP(2, [1], seed=0)))
