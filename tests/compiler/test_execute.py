"""Fused programs, run on a memory plan, give exactly the numbers of the reference engine."""

import pytest
from fused_programs import assert_exact, expressions, training_step
from hypothesis import given, settings

import baregrad as bg
from baregrad import Tensor, losses
from baregrad.compiler.capture import capture
from baregrad.compiler.execute import Execution
from baregrad.compiler.fusion import fuse
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.simplify import simplify
from baregrad.errors import ArgumentError, OutOfRangeError
from baregrad.nn.activations import ACTIVATIONS

SAMPLES, FEATURES, OUTPUTS = 5, 3, 4


def assert_steps_exactly(model, optimizer, loss=losses.mse, target="numbers", clip=None):
    draw = bg.Generator(3)
    x = draw.randn(SAMPLES, FEATURES)
    y = draw.rand(SAMPLES, OUTPUTS)
    if target == "classes":
        y = draw.randint(0, OUTPUTS, SAMPLES)
    step = training_step(model, optimizer(model.parameters()), loss, clip)
    return assert_exact(simplify(capture(step, x, y)), x, y)


def mlp(**options):
    return bg.MLP(FEATURES, [7, 4, OUTPUTS], seed=1, **options)


def execution_of(step, *arguments):
    program = simplify(capture(step, *arguments))
    fused = fuse(program)
    return Execution(program, fused, plan_memory(fused))


# --- training steps ---------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_steps_with_every_activation(activation):
    assert_steps_exactly(mlp(activation=activation), bg.Adam)


@pytest.mark.parametrize(
    "optimizer",
    [
        bg.SGD,
        lambda p: bg.SGD(p, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda p: bg.Adam(p, amsgrad=True, weight_decay=0.1),
        bg.AdamW,
        bg.RMSprop,
        bg.Adagrad,
    ],
)
def test_steps_of_every_optimizer_with_cross_entropy(optimizer):
    assert_steps_exactly(mlp(), optimizer, losses.cross_entropy, "classes")


@pytest.mark.parametrize("loss", ["mae", "huber", "quantile", "poisson", "binary_cross_entropy"])
def test_steps_with_other_losses(loss):
    assert_steps_exactly(mlp(), bg.SGD, losses.LOSSES[loss])


@pytest.mark.parametrize("options", [{"norm": "layer"}, {"norm": "batch"}, {"dropout": 0.5}])
def test_steps_with_normalisation_and_dropout(options):
    assert_steps_exactly(mlp(**options), bg.Adam)


@pytest.mark.parametrize(
    "clip", [lambda p: bg.clip_grad_norm(p, 0.1), lambda p: bg.clip_grad_value(p, 0.01)]
)
def test_steps_with_clipped_gradients(clip):
    assert_steps_exactly(mlp(), bg.Adam, clip=clip)


def test_steps_with_weights_of_samples_and_classes_and_smoothed_labels():
    def loss(prediction, target):
        return losses.cross_entropy(
            prediction, target, [1, 2, 3, 4], label_smoothing=0.1, sample_weight=[1, 0, 2, 1, 1]
        )

    assert_steps_exactly(mlp(), bg.Adam, loss, "classes")


def test_steps_with_a_penalty_on_the_weights():
    model = mlp()

    def loss(prediction, target):
        penalty = sum((w * w).sum() for w in model.parameters())
        return losses.mse(prediction, target) + 0.1 * penalty

    assert_steps_exactly(model, bg.Adam, loss)


def test_a_step_that_draws_its_batch_from_a_table():
    data = bg.Generator(1).randn(20, FEATURES)
    model = mlp()
    optimizer = bg.Adam(model.parameters())

    def step(rows, y):
        prediction = model(data.take(rows))
        optimizer.zero_grad()
        losses.mse(prediction, y).backward()
        optimizer.step()
        return prediction.argmax(1)

    rows, y = Tensor([3, 19, 3, -1, 0]), bg.zeros(SAMPLES, OUTPUTS)
    assert_exact(simplify(capture(step, rows, y)), rows, y)


def test_a_step_that_trains_a_table_of_vectors():
    table = bg.Generator(1).randn(10, FEATURES)
    table.requires_grad = True
    optimizer = bg.SGD([table], lr=0.5)

    def step(rows):
        optimizer.zero_grad()
        (table.take(rows) ** 2).sum().backward()
        optimizer.step()

    rows = Tensor([3, 9, 3])
    assert_exact(simplify(capture(step, rows)), rows)


# --- assignments ------------------------------------------------------------------------------


def swap(a, b):
    a_before = a * 1
    a.assign(b)
    b.assign(a_before)
    return a, b


def double_both(a, b):
    product = a @ b
    a.assign(a + a)
    b.assign(b + b)
    return product, a @ b


def assign_one_to_both(a, b):
    total = a + b
    a.assign(total)
    b.assign(total)


def assign_the_transpose(a, b):
    a.assign(a.T)
    return a + b


def use_the_old_value_after_the_new_one(a, b):
    old = a + 0
    a.assign(a @ b)
    new = a.softmax()
    return (new @ old).softmax()


def assign_a_constant(a, b):
    a.assign(bg.zeros(3, 3))
    return a @ b, bg.ones(2)


@pytest.mark.parametrize(
    "change",
    [
        swap,
        double_both,
        assign_one_to_both,
        assign_the_transpose,
        use_the_old_value_after_the_new_one,
        assign_a_constant,
    ],
)
@pytest.mark.parametrize("simplified", [False, True])
def test_a_step_that_assigns(change, simplified):
    a, b = (bg.Generator(seed).randn(3, 3) for seed in (1, 2))
    program = capture(lambda: change(a, b))
    assert_exact(simplify(program) if simplified else program)


# --- shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 13])
@pytest.mark.parametrize("width", [1, 2, 11])
def test_steps_of_odd_sizes(batch, width):
    model = bg.MLP(width, [width, 5, width], "relu", seed=1)
    draw = bg.Generator(3)
    x, y = draw.randn(batch, width), draw.rand(batch, width)
    step = training_step(model, bg.Adam(model.parameters()), losses.binary_cross_entropy)
    assert_exact(simplify(capture(step, x, y)), x, y)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(expressions())
def test_random_expressions_of_every_shape(expression):
    step, arguments = expression
    assert_exact(simplify(capture(step, *arguments)), *arguments)


def test_a_thousand_operations_one_after_another():
    def step(x):
        y = x
        for _ in range(1000):
            y = y * 0.5 + x
        return y

    x = bg.ones(3)
    assert_exact(capture(step, x), x)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [[], [bg.ones(3)], [bg.ones(2, dtype="int64")]])
def test_other_arguments_than_the_captured_ones_are_refused(wrong):
    execution = execution_of(lambda x: x + 1, bg.ones(2))
    with pytest.raises(ArgumentError, match=r"captured for arguments \[\(\(2,\), 'float32'\)\]"):
        execution.run(*(x.array for x in wrong))


def test_a_tensor_that_the_program_does_not_know_has_no_value():
    execution = execution_of(lambda x: x + 1, bg.ones(2))
    with pytest.raises(ArgumentError, match="neither reads nor writes the leaf of shape"):
        execution.value(bg.ones(2))


def test_a_tensor_that_is_only_written_has_a_value():
    target = bg.zeros(2)
    execution = execution_of(lambda x: target.assign(x + 1), bg.ones(2))
    execution.run(bg.ones(2).array)
    assert list(execution.value(target).data) == [2, 2]
    assert target.tolist() == [0, 0]


@pytest.mark.parametrize("index", [5, -6])
def test_an_index_out_of_range_is_refused(index):
    table = bg.arange(10).reshape(5, 2).astype("float32")
    execution = execution_of(lambda i: table.take(i), Tensor([0]))
    with pytest.raises(OutOfRangeError, match=r"take: index -?\d is out of range for 5 rows"):
        execution.run(Tensor([index]).array)
