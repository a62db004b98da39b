"""Captured steps do what eager ones do; and what cannot be captured says so, with the line."""

import math
import threading
from functools import partial

import pytest
from program_evaluation import operations, run

import baregrad as bg
from baregrad import Tensor, losses, no_grad
from baregrad.compiler.capture import capture
from baregrad.compiler.simplify import simplify
from baregrad.compiler.value import CONSTANT, INPUT, in_order
from baregrad.engines import selection
from baregrad.errors import ArgumentError, CaptureError, GradientError, OutOfRangeError

SAMPLES, FEATURES, CLASSES = 6, 3, 4


def batches(count=4, target="numbers"):
    draw = bg.Generator(7)
    for _ in range(count):
        x = draw.randn(SAMPLES, FEATURES)
        if target == "classes":
            yield x, draw.randint(0, CLASSES, SAMPLES)
        elif target == "probabilities":
            yield x, draw.randn(SAMPLES, CLASSES).softmax().detach()
        else:
            yield x, draw.rand(SAMPLES, CLASSES)


def mlp(**options):
    return bg.MLP(FEATURES, [5, CLASSES], seed=1, **options)


def step_of(model, optimizer, loss=losses.mse, clip=None):
    def step(x, y):
        prediction = model(x)
        value = loss(prediction, y)
        optimizer.zero_grad()
        value.backward()
        norm = [] if clip is None else [clip(model.parameters())]
        optimizer.step()
        return [value, prediction, *norm]

    return step


def numbers(tensors):
    return [x for tensor in tensors for x in tensor.flatten().tolist()]


def assert_like_eager(make_model, make_optimizer, target="numbers", rel=0.0, **options):
    """Steps captured, simplified or not, give what eager ones give, within `rel`."""
    found = []
    for compiled in (None, lambda program: program, simplify):
        model = make_model()
        optimizer = make_optimizer(model.parameters())
        step = step_of(model, optimizer, **options)
        given = list(batches(target=target))
        if compiled:
            before = all_numbers(model, optimizer)
            step = partial(run, compiled(capture(step, *given[0])))
            assert all_numbers(model, optimizer) == before
        seen = [x for batch in given for x in numbers(step(*batch))]
        found.append(seen + all_numbers(model, optimizer))
    eager, captured, simplified = found
    assert captured == pytest.approx(eager, rel=rel, abs=rel)
    assert simplified == captured


def all_numbers(model, optimizer):
    """Every number that a step may change."""
    found = numbers(tensor for _, tensor in model.named_tensors())
    for state in optimizer.state_dict()["state"]:
        for value in state.values():
            found += numbers([value]) if isinstance(value, Tensor) else [value]
    return found


OPTIMIZERS = {
    "sgd": partial(bg.SGD, lr=0.1),
    "momentum": partial(bg.SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": partial(bg.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "rmsprop": partial(bg.RMSprop, lr=0.01, momentum=0.5, centered=True),
}
# Numbers that change at each step are float32 in a captured step, and float64 before.
ROUNDED_OPTIMIZERS = {
    "dampening": partial(bg.SGD, lr=0.1, momentum=0.9, dampening=0.3),
    "adagrad": partial(bg.Adagrad, lr=0.1, lr_decay=0.1, weight_decay=0.1),
    "adam": partial(bg.Adam, lr=0.01),
    "amsgrad": partial(bg.Adam, lr=0.01, betas=(0.0, 0.99), amsgrad=True, weight_decay=0.1),
    "adamw": partial(bg.AdamW, lr=0.01, weight_decay=0.3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_step_exactly_as_eager_ones(name):
    assert_like_eager(mlp, OPTIMIZERS[name])


@pytest.mark.parametrize("name", ROUNDED_OPTIMIZERS)
def test_optimizers_step_as_eager_ones_but_for_the_rounding_of_scalars(name):
    assert_like_eager(mlp, ROUNDED_OPTIMIZERS[name], rel=2e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"norm": "layer"},
        {"norm": "batch"},
        {"dropout": 0.5, "activation": "relu"},
        {"dropout": 0.25, "norm": "batch", "activation": "gelu"},
        {"activation": "elu"},
    ],
    ids=str,
)
def test_layers_are_captured(options):
    assert_like_eager(partial(mlp, **options), OPTIMIZERS["momentum"])


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (losses.mae, "numbers"),
        (losses.huber, "numbers"),
        (partial(losses.quantile, quantile=0.3), "numbers"),
        (losses.poisson, "numbers"),
        (partial(losses.mse, sample_weight=[1, 2, 0, 1, 1, 3]), "numbers"),
        (partial(losses.mse, reduction="sum"), "numbers"),
        (partial(losses.binary_cross_entropy, class_weight=[1, 2]), "probabilities"),
        (losses.cross_entropy, "classes"),
        (losses.cross_entropy, "probabilities"),
        (
            partial(losses.cross_entropy, class_weight=[1, 2, 3, 4], label_smoothing=0.1),
            "classes",
        ),
    ],
)
def test_losses_are_captured(loss, target):
    assert_like_eager(mlp, OPTIMIZERS["sgd"], target, loss=loss)


@pytest.mark.parametrize("p", [2.0, 1.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.01, 100.0])
def test_clipping_is_captured(p, max_norm):
    clip = partial(bg.clip_grad_norm, max_norm=max_norm, norm_type=p)
    assert_like_eager(mlp, OPTIMIZERS["sgd"], rel=1e-6, clip=clip)


@pytest.mark.parametrize(
    "gradients", [[[0.0, 0.0]], [[3e30], [4e30, 0.0]], [[math.inf, 1.0]], [[math.nan], [1.0]]]
)
def test_captured_clipping_has_the_limits_of_eager_clipping(gradients):
    def clipped(*given):
        parameters = [Tensor([0.0] * x.size, requires_grad=True) for x in given]
        for parameter, gradient in zip(parameters, given, strict=True):
            parameter.grad = gradient
        norm = bg.clip_grad_norm(parameters, 1.0)
        return [norm.astype("float32"), *(p.grad for p in parameters)]

    given = [Tensor(g) for g in gradients]
    expected = numbers(clipped(*given))
    found = numbers(run(simplify(capture(clipped, *given)), *given))
    assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_values_are_clipped():
    assert_like_eager(mlp, OPTIMIZERS["sgd"], clip=clip_values)


def clip_values(parameters):
    bg.clip_grad_value(parameters, 0.01)
    return parameters[0].grad.abs().max()


# --- programs -----------------------------------------------------------------------------------


def test_a_program_says_what_is_given_read_written_and_returned():
    weight = Tensor([1.0, 2.0], name="weight")

    def step(x):
        weight.assign(weight + x)
        return weight * 2

    program = capture(step, Tensor([1.0, 1.0], name="x"))
    (x,) = program.arguments
    assert (x.op, x.attributes, x.shape, x.dtype) == (INPUT, {"name": "x"}, (2,), "float32")
    assert list(program.reads) == list(program.writes) == [weight]
    assert program.reads[weight].attributes == {"name": "weight"}
    assert program.writes[weight].op == "add"
    assert program.writes[weight].inputs == (program.reads[weight], x)
    (result,) = program.results
    assert result.inputs[0] is program.writes[weight]
    assert (result.inputs[1].op, result.inputs[1].attributes) == (CONSTANT, {"value": 2.0})
    assert weight.tolist() == [1, 2]
    (found,) = run(program, Tensor([10.0, 20.0]))
    assert found.tolist() == [22, 44]
    assert weight.tolist() == [11, 22]


def test_tensors_of_the_world_are_read_anew_at_each_run():
    scale = Tensor(2.0)
    program = capture(lambda x: x * scale.detach(), Tensor([1.0]))
    scale.assign(5.0)
    (found,) = run(program, Tensor([3.0]))
    assert found.tolist() == [15]


def test_equal_numbers_made_in_the_step_are_constants_and_others_are_kept():
    def step(x):
        return x + bg.ones(2, 2) + Tensor([1.0, -2.0]) + Tensor([0.0, -0.0]) + bg.zeros(0).sum()

    program = capture(step, Tensor([1.0, 1.0]))
    constants = [v for v in in_order(program.results) if v.op == CONSTANT]
    assert [(v.shape, v.attributes["value"]) for v in constants] == [((2, 2), 1.0), ((0,), 0)]
    assert [tensor.tolist() for tensor in program.reads] == [[1, -2], [0, 0]]
    assert run(program, Tensor([1.0, 1.0]))[0].tolist() == [[3, 0], [3, 0]]


def test_one_buffer_of_numbers_is_read_once():
    def step(x):
        table = Tensor([1.0, 2.0])
        return x * table + table

    assert len(capture(step, Tensor([1.0, 1.0])).reads) == 1


def test_integers_and_bools_are_captured():
    def step(x, indices):
        mask = indices > 1
        return [mask, mask.sum(), x.take(indices), x[-1], x.argmax(), (-indices).astype("bool")]

    arguments = Tensor([1.0, 3.0, 2.0, 0.0]), Tensor([0, -1, 2])
    found = run(capture(step, *arguments), *arguments)
    assert [t.tolist() for t in found] == [t.tolist() for t in step(*arguments)]


def test_a_gradient_can_be_returned_and_none_is_left():
    weight = Tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        (weight * x).sum().backward()
        return weight.grad

    program = capture(step, Tensor([3.0, 4.0]))
    assert weight.grad is None
    assert run(program, Tensor([5.0, 6.0]))[0].tolist() == [5, 6]


def test_an_argument_can_require_a_gradient():
    def step(x):
        (x * x).sum().backward()
        return x.grad

    x = Tensor([3.0], requires_grad=True)
    assert run(capture(step, x), x)[0].tolist() == [6]


def test_without_a_gradient_there_is_no_backward_pass():
    model = mlp()
    with no_grad():
        program = capture(model, Tensor([[1.0, 2.0, 3.0]]))
    assert operations(simplify(program)) == sorted(["permute", "matmul", "add"] * 2 + ["tanh"])


def test_an_operation_with_a_gradient_of_its_own_is_captured_as_what_it_is_made_of():
    @bg.with_gradient(lambda g, y, x: g * 7)
    def doubled(x):
        return x * 2

    def step(x):
        y = doubled(x)
        return [y, *bg.grad(y.sum(), x)]

    x = Tensor([3.0], requires_grad=True)
    assert numbers(run(capture(step, x), x)) == [6, 7]


def test_a_tensor_of_the_step_itself_can_be_assigned_to():
    def step(x):
        total = bg.zeros(1)
        total.assign(total + x)
        return total * 2

    program = capture(step, Tensor([1.0]))
    assert program.writes == {}
    assert run(program, Tensor([3.0]))[0].tolist() == [6]


def test_a_gradient_set_by_hand_does_not_stay():
    weight = Tensor([1.0], requires_grad=True)
    optimizer = bg.SGD([weight], lr=1.0)

    def step(x):
        weight.grad = x * 2
        optimizer.step()

    program = capture(step, Tensor([1.0]))
    assert weight.grad is None
    run(program, Tensor([3.0]))
    assert weight.tolist() == [-5]


def test_a_step_may_return_nothing():
    total = Tensor(0.0)
    program = capture(lambda x: total.assign(total + x), Tensor(1.0))
    assert program.results == []
    for _ in range(3):
        run(program, Tensor(2.0))
    assert total.item() == 6


def test_tensors_print_without_numbers_in_a_captured_step():
    seen = []
    capture(lambda x: seen.append(repr(x * 2)), Tensor([1.0]))
    assert seen == ["Tensor(..., shape=(1,), op=multiply)"]


# --- numbers that change ------------------------------------------------------------------------


def trained(optimizer, program, x, times=1):
    for _ in range(times):
        run(program, x)
    return numbers(optimizer.parameters())


def weight_and_program(kind, **options):
    weight = Tensor([1.0, 2.0], requires_grad=True)
    optimizer = kind([weight], **options)

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    return optimizer, capture(step, Tensor([1.0, 1.0]))


def test_the_learning_rate_is_that_of_the_moment():
    optimizer, program = weight_and_program(bg.SGD, lr=1.0)
    assert [v.attributes["name"] for v in program.arguments] == ["argument 0", "lr", "step"]
    assert trained(optimizer, program, Tensor([1.0, 1.0])) == [0, 1]
    optimizer.lr = 0.5
    assert trained(optimizer, program, Tensor([1.0, 1.0])) == [-0.5, 0.5]


def test_steps_are_counted_when_they_are_run():
    optimizer, program = weight_and_program(bg.Adam)
    assert optimizer.state_dict()["state"] == [{}]
    trained(optimizer, program, Tensor([1.0, 1.0]), times=3)
    assert optimizer.state_dict()["state"][0]["step"] == 3


def test_parameters_that_joined_later_count_for_themselves():
    early, late = (Tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = bg.Adam([early, late], lr=0.1)
    early.grad = Tensor([1.0])
    optimizer.step()

    def step(x):
        optimizer.zero_grad()
        ((early + late) * x).sum().backward()
        optimizer.step()

    program = capture(step, Tensor([1.0]))
    assert len(program.draws) == 3
    run(program, Tensor([1.0]))
    assert [optimizer.state[p]["step"] for p in (early, late)] == [2, 1]


def test_a_captured_step_goes_on_after_eager_ones_and_they_after_it():
    model, other = mlp(), mlp()
    optimizers = [bg.Adam(m.parameters(), lr=0.01) for m in (model, other)]
    steps = [step_of(m, o) for m, o in zip((model, other), optimizers, strict=True)]
    first, second, third = batches(3)
    for batch in (first, second, third):
        steps[0](*batch)
    steps[1](*first)
    run(capture(steps[1], *second), *second)
    steps[1](*third)
    assert numbers(other.parameters()) == pytest.approx(numbers(model.parameters()), rel=1e-5)


def test_two_programs_captured_before_any_step_share_the_state():
    weight = Tensor([1.0, 2.0], requires_grad=True)
    optimizer = bg.Adam([weight])

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    programs = [capture(step, x) for x in (Tensor([1.0, 1.0]), Tensor(1.0))]
    run(programs[0], Tensor([1.0, 1.0]))
    run(programs[1], Tensor(1.0))
    assert optimizer.state[weight]["step"] == 2


def test_an_option_changed_after_the_capture_is_noticed():
    optimizer, program = weight_and_program(bg.SGD, lr=1.0, momentum=0.5)
    optimizer.groups[0]["momentum"] = 0.9
    with pytest.raises(CaptureError, match=r"momentum was changed from 0.5 to 0.9.*capture the"):
        run(program, Tensor([1.0, 1.0]))


@pytest.mark.parametrize("begun", [False, True])
def test_a_state_loaded_after_the_capture_is_noticed(begun):
    optimizer, program = weight_and_program(bg.Adam)
    saved = optimizer.state_dict()
    if begun:
        trained(optimizer, program, Tensor([1.0, 1.0]))
        saved = optimizer.state_dict()
    optimizer.load_state_dict(saved)
    with pytest.raises(CaptureError, match="was loaded after the optimizer's step was captured"):
        run(program, Tensor([1.0, 1.0]))


def test_random_numbers_go_on_from_run_to_run():
    generator, other = bg.Generator(3, stream=5), bg.Generator(3, stream=5)
    program = capture(lambda: [generator.rand(2, 3), generator.rand(1)])
    assert generator.index == 0
    for _ in range(2):
        expected = numbers([other.rand(2, 3), other.rand(1)])
        assert numbers(run(program)) == expected
    assert generator.index == 14


def test_a_generator_seeded_anew_is_noticed():
    generator = bg.Generator(3)
    program = capture(lambda: generator.rand(2))
    generator.seed = 4
    with pytest.raises(CaptureError, match="was seeded anew after the step"):
        run(program)


# --- what cannot be captured --------------------------------------------------------------------

WEIGHT = Tensor([1.0, 2.0], requires_grad=True, name="weight")
LOOKS = {
    "loss.item()": lambda x: (x / 2).sum().item(),
    "bool(loss)": lambda x: bool((x / 2).sum()),
    "float(loss)": lambda x: float((x / 2).sum()),
    "int(loss)": lambda x: int((x / 2).sum()),
    "list": lambda x: (x / 2).sum(0).tolist(),
    "buffer": lambda x: (x / 2).sum().buffer(),
    "format": lambda x: f"{(x / 2).sum():.3f}",
    "Tensor()": lambda x: Tensor((x / 2).sum(), "int64"),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_looking_at_a_number_says_where_and_what_to_do(look):
    with pytest.raises(CaptureError) as caught:
        capture(look, WEIGHT)
    message = str(caught.value)
    assert f"{__file__}:{look.__code__.co_firstlineno}: `" in message
    assert "(x / 2).sum(" in message
    assert "looks at the numbers of the result of sum of shape ()" in message
    assert "Return the tensor from the step" in message


@pytest.mark.parametrize(
    ("look", "what"),
    [
        (lambda x: x.item(), r"the input 'x' of shape \(1,\)"),
        (lambda x: WEIGHT.tolist(), r"the input 'weight' of shape \(2,\)"),
        (lambda x: WEIGHT[x > 0], "shape"),
        (lambda x: x[x > 0], r"the result of less of shape \(1,\)"),
        (lambda x: bg.randn(2), r"the input 'random index' of shape \(\)"),
        (lambda x: Tensor([2.0, 1.0]).sum().item(), r"the result of sum of shape \(\)"),
    ],
)
def test_the_message_names_what_was_looked_at(look, what):
    error = CaptureError if what != "shape" else bg.ShapeError
    with pytest.raises(error, match=what):
        capture(look, Tensor([1.0], name="x"))


def test_numbers_made_in_the_step_can_be_looked_at_and_are_checked():
    capture(lambda x: x * Tensor([2.0]).item(), Tensor(1.0))
    with pytest.raises(ArgumentError, match="a class weight must be 0 or more"):
        capture(
            lambda x: losses.binary_cross_entropy(x, x, class_weight=[1, -1]), Tensor([1.0, 0.0])
        )
    with pytest.raises(OutOfRangeError, match="none of the classes 0 to 2"):
        capture(lambda: Tensor([0, 3]).one_hot(3))


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x.astype("float64"),
        lambda x: Tensor([1.0, 2.0], "float64").astype("float32") * x,
        lambda x: bg.rand(2, dtype="float64"),
        lambda x: DOUBLE.astype("float32") * x,
    ],
)
def test_float64_is_refused(step):
    with pytest.raises(CaptureError, match=r"float64: .*on the reference engine only"):
        capture(step, Tensor([1.0]))


DOUBLE = Tensor(1.0, "float64")


def test_a_float64_argument_is_refused():
    with pytest.raises(CaptureError, match="input of float64"):
        capture(lambda x: x, DOUBLE)


def test_an_operation_made_of_a_python_function_is_refused():
    tanh = bg.elementwise("tanh", lambda x: x**3, None)
    with pytest.raises(CaptureError, match="tanh is made of a function of Python numbers"):
        capture(tanh, Tensor([1.0]))


@pytest.mark.parametrize("returned", [3, {"loss": 1}, [3.0]])
def test_only_tensors_can_be_returned(returned):
    with pytest.raises(
        CaptureError, match="must be a tensor, a list, tuple or dict of tensors, or None"
    ):
        capture(lambda x: returned, Tensor([1.0]))


def test_only_tensors_can_be_arguments():
    with pytest.raises(CaptureError, match=r"argument 1 of the step is \[2.0\], not a Tensor"):
        capture(lambda x, y: x, Tensor([1.0]), [2.0])


def test_a_tensor_computed_before_that_needs_its_gradient_is_refused():
    before = WEIGHT * 2
    with pytest.raises(CaptureError, match=r"computed before the step.*detach"):
        capture(lambda x: x * before, Tensor([1.0]))
    constant = Tensor([3.0]) * 2
    assert run(capture(lambda x: x * constant, Tensor([1.0])), Tensor([5.0]))[0].tolist() == [30]


def test_gradients_of_before_must_be_forgotten_in_the_step():
    weight = Tensor([1.0], requires_grad=True, name="weight")
    optimizer = bg.SGD([weight], lr=1.0)

    def step(x, forget):
        loss = (weight * x).sum()
        if forget:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    old = weight.grad = Tensor([2.0])
    with pytest.raises(CaptureError, match=r"gradient that 'weight' had before.*zero_grad"):
        capture(partial(step, forget=False), Tensor([1.0]))
    with pytest.raises(CaptureError, match="uses the gradient"):
        capture(optimizer.step)
    run(capture(partial(step, forget=True), Tensor([1.0])), Tensor([4.0]))
    assert weight.tolist() == [-3]
    assert weight.grad is old


def test_gradients_through_what_was_assigned_since_are_refused_as_ever():
    weight = Tensor([1.0], requires_grad=True)

    def step(x):
        loss = (weight * x).sum()
        weight.assign([2.0])
        loss.backward()

    with pytest.raises(GradientError, match="was assigned a new value"):
        capture(step, Tensor([1.0]))
    loss = (weight * weight).sum()
    capture(lambda x: weight.assign(x), Tensor([1.0]))
    loss.backward()  # nothing was assigned in truth
    assert weight.grad.tolist() == [2]


def test_a_tensor_that_escapes_has_no_numbers():
    escaped = []
    capture(lambda x: escaped.append(x * 2), Tensor([1.0], name="x"))
    with pytest.raises(CaptureError, match="looks at the numbers of the result of multiply"):
        escaped[0].tolist()
    with pytest.raises(CaptureError, match="looks at the numbers"):
        escaped[0] + 1
    for use in (lambda: escaped[0] * 2, lambda: Tensor.leaf(escaped[0].held) * 2):
        with pytest.raises(CaptureError, match=r"captured before.*the result of multiply"):
            capture(use)


def test_a_capture_within_a_capture_is_refused():
    with pytest.raises(CaptureError, match="a step is being captured already"):
        capture(lambda x: capture(lambda y: y, x), Tensor([1.0]))


# --- the world around ---------------------------------------------------------------------------


def test_after_an_exception_everything_is_as_it_was():
    model = mlp(norm="batch")
    optimizer = bg.Adam(model.parameters())
    (x, y) = next(iter(batches(1)))
    step = step_of(model, optimizer)
    step(x, y)
    tensors = dict(model.named_tensors())
    before = [(t.array, t.assigned) for t in tensors.values()]
    numbers_before = all_numbers(model, optimizer)
    gradients = [t.grad for t in model.parameters()]

    def failing(x, y):
        step(x, y)
        raise KeyError("after the step")

    with pytest.raises(KeyError, match="after the step"):
        capture(failing, x, y)
    assert selection.engine() == "reference"
    assert [(t.array, t.assigned) for t in tensors.values()] == before
    assert all(t.grad is old for t, old in zip(model.parameters(), gradients, strict=True))
    assert all_numbers(model, optimizer) == numbers_before


def test_other_threads_compute_while_one_captures():
    weight = Tensor([1.0, 2.0])
    captured, computed = threading.Event(), threading.Event()
    seen = {}

    def step(x):
        weight.assign(weight * x)
        captured.set()
        assert computed.wait(60)
        return weight + 1

    def other():
        assert captured.wait(60)
        seen["engine"] = selection.engine()
        seen["product"] = (weight * 3).tolist()
        computed.set()

    thread = threading.Thread(target=other)
    thread.start()
    program = capture(step, Tensor([10.0, 10.0]))
    thread.join()
    assert seen["engine"] != "capture"
    assert seen["product"] == [3, 6]
    assert run(program, Tensor([10.0, 10.0]))[0].tolist() == [11, 21]
