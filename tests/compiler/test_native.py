"""Whole training steps as machine code, against the same steps run as Python."""

from array import array
from threading import Thread

import pytest

import baregrad as bg
from baregrad.compiler.explain import explain
from baregrad.compiler.kernels import plans
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.step import CompiledStep, compile, stages
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.compile import host_target
from baregrad.engines import selection
from baregrad.errors import ArgumentError, CaptureError, OutOfRangeError
from baregrad.machine.cpu import processor_features
from baregrad.machine.errors import ExecutableMemoryError, UnsupportedMachineError

STEPS = 4


def runs(target):
    return pytest.mark.skipif(
        not target.features <= processor_features(), reason=f"this processor has no {target.name}"
    )


TARGETS = [
    pytest.param(AVX512, id="avx512", marks=runs(AVX512)),
    pytest.param(AVX2, id="avx2", marks=runs(AVX2)),
]

native = pytest.mark.skipif(
    not AVX2.features <= processor_features(), reason="this processor runs none of our code"
)


def training(inputs, neurons, loss, optimizer, seed=0, **options):
    """A model and a step that trains it."""
    model = bg.MLP(inputs, neurons, seed=seed, **options)
    update = optimizer(model.parameters())

    def step(x, y):
        update.zero_grad()
        value = loss(model(x), y)
        value.backward()
        update.step()
        return value

    return model, step


def batch(samples, inputs, outputs, classes=False):
    generator = bg.Generator(7)
    x = generator.randn(samples, inputs)
    y = generator.randint(0, outputs, (samples,)) if classes else generator.randn(samples, outputs)
    return x, y


def parameters(model):
    return [value for p in model.parameters() for value in p.flatten().tolist()]


NETWORKS = {
    "one sample, tanh, sgd": (1, [16, 16, 1], 1, {}, "mse", lambda p: bg.SGD(p, lr=0.05)),
    "tanh, momentum": (
        *(2, [16, 16, 1], 32, {}, "mse"),
        lambda p: bg.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "relu, adam": (8, [33, 17, 1], 31, {"activation": "relu"}, "mse", bg.Adam),
    "classes, adamw": (5, [19, 3], 23, {"activation": "relu"}, "cross_entropy", bg.AdamW),
    "gelu, rmsprop, mae": (3, [7, 2], 9, {"activation": "gelu"}, "mae", bg.RMSprop),
    "silu, layer norm, huber": (4, [8, 1], 13, {"activation": "silu", "norm": "layer"}, "huber",
                                bg.Adagrad),
    "sigmoid, two classes": (3, [5, 2], 6, {"activation": "sigmoid"}, "binary", bg.Adam),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_compiled_step_does_what_the_python_step_does(name, target):
    inputs, neurons, samples, options, loss, optimizer = NETWORKS[name]
    function = getattr(bg.losses, "binary_cross_entropy" if loss == "binary" else loss)
    x, y = batch(samples, inputs, neurons[-1], classes=loss == "cross_entropy")
    if loss == "binary":
        y = (y > 0).astype("float32").detach()
    plain, step = training(inputs, neurons, function, optimizer, **options)
    fast, captured = training(inputs, neurons, function, optimizer, **options)
    compiled = CompiledStep(captured, target)
    for _ in range(STEPS):
        assert compiled(x, y).item() == pytest.approx(step(x, y).item(), rel=2e-5, abs=1e-6)
    assert compiled.fallback is None
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-3, abs=2e-5)


@native
def test_a_compiled_prediction_is_the_models():
    model = bg.MLP(3, [6, 2], activation="relu", output_activation="softmax", seed=1)
    x, _ = batch(5, 3, 2)
    compiled = compile(model)
    for row, expected in zip(compiled(x).tolist(), model(x).tolist(), strict=True):
        assert row == pytest.approx(expected, rel=1e-5)


@native
def test_other_shapes_are_compiled_anew():
    _, step = training(2, [3, 1], bg.losses.mse, bg.SGD)
    compiled = compile(step)
    for samples in (4, 7, 4):
        compiled(*batch(samples, 2, 1))
    assert compiled.fallback is None
    assert len(compiled._versions) == 2


@native
def test_only_so_many_shapes_are_kept():
    compiled = compile(lambda x: x * 2)
    for size in range(1, 20):
        assert compiled(bg.ones(size)).tolist() == [2.0] * size
    assert len(compiled._versions) == 16


@native
def test_going_from_training_to_prediction_is_seen():
    model = bg.MLP(2, [50, 1], dropout=0.5, norm="batch", seed=0)
    compiled = compile(lambda x: model(x))
    x, _ = batch(6, 2, 1)
    compiled(x)
    model.eval()
    expected = [y for (y,) in model(x).tolist()]
    assert [y for (y,) in compiled(x).tolist()] == pytest.approx(expected, rel=1e-4)
    model.train()
    assert compiled(x).tolist() != compiled(x).tolist()  # dropout draws anew
    assert compiled.fallback is None


@native
def test_what_changes_between_steps_is_seen():
    model, step = training(1, [1], bg.losses.mse, lambda p: bg.SGD(p, lr=0.1))
    compiled = compile(step)
    x, y = bg.ones(2, 1), bg.zeros(2, 1)
    compiled(x, y)
    model.layers[0].weight.assign([[2.0]])
    model.layers[0].bias.assign([1.0])
    assert compiled(x, y).item() == pytest.approx(9.0)
    assert model.layers[0].weight.item() == pytest.approx(2 - 0.1 * 6)


@native
def test_the_learning_rate_and_the_step_count_are_read_anew():
    def build():
        model = bg.MLP(1, [1], seed=0)
        optimizer = bg.Adam(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = bg.losses.mse(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    plain, adam, step = build()
    fast, other, captured = build()
    compiled = compile(captured)
    x, y = bg.ones(2, 1), bg.zeros(2, 1)
    for rate in (0.1, 0.01, 0.5):
        adam.lr = other.lr = rate
        step(x, y)
        compiled(x, y)
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-5)
    assert other.state[fast.parameters()[0]]["step"] == 3


@native
def test_tensors_taken_before_a_step_keep_their_values():
    model, step = training(2, [3, 1], bg.losses.mse, bg.SGD)
    compiled = compile(step)
    before = model.state_dict()["layers.0.weight"]
    values = before.tolist()
    compiled(*batch(4, 2, 1))
    assert before.tolist() == values != model.layers[0].weight.tolist()


@native
def test_what_the_python_step_checks_is_checked_before_each_run():
    compiled = compile(bg.losses.cross_entropy)
    logits = bg.Generator(0).randn(3, 4)
    compiled(logits, bg.Tensor([0, 3, 1]))
    with pytest.raises(OutOfRangeError, match="a target class must be from 0 to 3"):
        compiled(logits, bg.Tensor([0, 9, 1]))
    labels = bg.Tensor([0, 3, 1])
    of_the_world = compile(lambda x: bg.losses.cross_entropy(x, labels))
    of_the_world(logits)
    labels.assign([0, 4, 1])
    with pytest.raises(OutOfRangeError, match="a target class"):
        of_the_world(logits)


def test_an_index_beyond_its_axis_is_refused():
    compiled = compile(lambda x, i: x.take(i))
    x = bg.arange(6.0).reshape(3, 2)
    assert compiled(x, bg.Tensor([2, -1])).tolist() == [[4.0, 5.0], [4.0, 5.0]]
    for index in (3, -4, 2**40):
        with pytest.raises(OutOfRangeError, match=f"index {index} is out of range"):
            compiled(x, bg.Tensor([0, index]))


@native
def test_several_results_and_none():
    assert [r.item() for r in compile(lambda x: (x.sum(), x.max()))(bg.arange(4.0))] == [6.0, 3.0]
    assert compile(lambda x: None)(bg.ones(2)) is None


def test_looking_at_numbers_is_refused():
    def step(x):
        return x if x.sum() > 0 else -x

    with pytest.raises(CaptureError, match=r"test_native\.py"):
        compile(step)(bg.ones(3))


def test_where_no_machine_code_runs_the_function_runs_as_it_is(monkeypatch):
    def refuse():
        raise UnsupportedMachineError("not this processor")

    for module in ("step", "explain"):
        monkeypatch.setattr(f"baregrad.compiler.{module}.chosen_target", refuse)
    compiled = compile(lambda x: x * 2)
    assert compiled(bg.ones(2)).tolist() == [2.0, 2.0]
    assert compiled.fallback == "not this processor"
    assert "none: not this processor" in explain(compiled, bg.ones(2))


def test_where_memory_for_code_is_refused_there_is_one_warning(monkeypatch):
    def refuse(*arguments):
        raise ExecutableMemoryError("not permitted")

    monkeypatch.setattr("baregrad.compiler.step._Version", refuse)
    monkeypatch.setattr(selection, "_warned", False)
    compiled = compile(lambda x: x * 2)
    with pytest.warns(RuntimeWarning, match="not permitted"):
        assert compiled(bg.ones(2)).tolist() == [2.0, 2.0]
    assert compiled(bg.ones(3)).tolist() == [2.0, 2.0, 2.0]  # and warns no more
    assert compiled.fallback == "not permitted"


def test_the_engine_that_is_chosen_is_that_of_compiled_steps(monkeypatch):
    monkeypatch.setattr(selection, "_process", None)
    compiled = compile(lambda x: x * 2)
    for name in ("reference", "avx2", "reference"):
        bg.set_engine(name)
        assert compiled(bg.ones(2)).tolist() == [2.0, 2.0]
        assert (compiled.fallback is None) == (name == "avx2")
        assert ("ymm" in explain(compiled, bg.ones(20), lines=None)) == (name == "avx2")
    assert compiled.fallback == 'the engine is "reference", which runs no machine code'


def test_an_operation_without_machine_code_is_said_and_run_as_python(monkeypatch):
    def refused(kernel, target):
        raise UnsupportedKernelError("there is no vector code for 'add'")

    monkeypatch.setattr(plans, "plan_map", refused)
    compiled = compile(lambda x: x + x)
    assert compiled(bg.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert compiled.fallback == "there is no vector code for 'add'"
    assert "the step runs as Python" in explain(compiled, bg.ones(3))


@native
def test_threads_may_share_a_compiled_step():
    compiled = compile(lambda x: (x * 2).sum())
    wrong = []

    def work(number):
        x = bg.full((64,), number)
        wrong.extend(1 for _ in range(50) if compiled(x).item() != 128 * number)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- many steps in one call -----------------------------------------------------------------------


def execution():
    model, step = training(2, [3, 1], bg.losses.mse, lambda p: bg.SGD(p, lr=0.05))
    program, fused, memory = stages(step, *batch(4, 2, 1))
    return model, program, NativeExecution(program, fused, memory, host_target())


@native
def test_many_steps_in_one_call_are_those_steps_one_by_one():
    generator = bg.Generator(3)
    x, y = generator.randn(5, 4, 2), generator.randn(5, 4, 1)  # five different batches
    plain, step = training(2, [3, 1], bg.losses.mse, lambda p: bg.SGD(p, lr=0.05))
    expected = [step(x[i], y[i]).item() for i in range(5)]
    model, program, native_steps = execution()
    rates = [array("f", draw(5)) for draw in program.draws]
    (losses,) = native_steps.run_steps(5, [x.array.data, y.array.data, *rates])
    assert list(losses) == pytest.approx(expected, rel=1e-5)
    assert parameters(model) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)


@native
def test_arguments_that_are_not_the_programs_are_refused():
    _, program, native_steps = execution()
    with pytest.raises(ArgumentError, match="needs 2 times 8 elements, not 3"):
        native_steps.run_steps(2, [array("f", [0.0] * 3)] * len(program.arguments))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(7, 5), (3, 2), (40, 16), (33, 17), (1, 9), (6, 1)])
def test_a_sum_over_rows_of_what_is_the_same_in_each_column_is_in_each_column(target, shape):
    x, w = bg.Generator(1).randn(*shape), bg.Generator(2).randn(shape[1])

    def step(x):
        one = (x * w).sum().reshape(1, 1).expand(shape)
        by_row = x.sum(1, keepdims=True).expand(shape)
        return (one * x).sum(0) + one.sum(0), by_row.max(0) - (x * x).sum(0), by_row.sum(1)

    found, expected = CompiledStep(step, target)(x), step(x)
    for result, right in zip(found, expected, strict=True):
        assert result.tolist() == pytest.approx(right.tolist(), rel=1e-4, abs=1e-4)
