"""Losses compared with PyTorch's figures, and with what the formulas promise."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import (
    ArgumentError,
    DTypeError,
    OutOfRangeError,
    ShapeError,
    Tensor,
    gradcheck,
    zeros,
)
from baregrad.nn.losses import (
    LOSSES,
    binary_cross_entropy,
    cross_entropy,
    huber,
    loss_named,
    mae,
    mse,
    poisson,
    quantile,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "losses.json"
CASES = json.loads(REFERENCE.read_text())
TOLERANCE = {"rel": 1e-10, "abs": 1e-15}


def flat(nested):
    return [x for part in nested for x in flat(part)] if isinstance(nested, list) else [nested]


def identity(case):
    kind = "numbers" if isinstance(case["target"][0], int) else "rows"
    return f"{case['loss']}-{kind}-{sorted(case['options'].items())}"


def check(case, figures, **arguments):
    p = Tensor(case["prediction"], "float64", requires_grad=True)
    value = LOSSES[case["loss"]](p, case["target"], **case["options"], **arguments)
    value.sum().backward()
    assert value.dtype == "float64"
    assert flat(value.tolist()) == pytest.approx(flat(figures["value"]), **TOLERANCE)
    assert flat(p.grad.tolist()) == pytest.approx(flat(figures["gradient"]), **TOLERANCE)


# --- PyTorch's figures --------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=identity)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_value_and_gradient_are_those_of_pytorch(case, reduction):
    check(case, case[reduction], reduction=reduction)


@pytest.mark.parametrize("case", [c for c in CASES if "weighted" in c], ids=identity)
def test_weighted_mean_divides_by_the_sum_of_the_weights(case):
    check(case, case["weighted"], sample_weight=case["sample_weight"])


def test_every_loss_has_reference_figures():
    assert {case["loss"] for case in CASES} == set(LOSSES)


# --- gradients ----------------------------------------------------------------------------------

P = [[0.3, -1.2, 2.0], [0.7, 0.4, -0.6]]


@pytest.mark.parametrize(
    ("loss", "target", "options"),
    [
        (mse, [[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]], {}),
        (mae, [[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]], {}),
        (huber, [[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]], {"delta": 0.9}),
        (quantile, [[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]], {"quantile": 0.8}),
        (poisson, [[1, 0, 3], [0, 1, 2]], {}),
        (binary_cross_entropy, [[1, 0, 1], [0, 0, 1]], {"class_weight": [0.5, 2.0]}),
        (binary_cross_entropy, [[1, 0, 1], [0, 0, 1]], {"label_smoothing": 0.1}),
        (cross_entropy, [2, 0], {"class_weight": [1, 2, 3], "label_smoothing": 0.2}),
        (cross_entropy, [[0.5, 0.5, 0], [0, 0.25, 0.75]], {"class_weight": [1, 2, 3]}),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients_agree_with_differences(loss, target, options, reduction):
    prediction = Tensor(P, "float64", requires_grad=True)
    assert gradcheck(
        lambda p: loss(p, target, **options, sample_weight=[0.7, 1.4], reduction=reduction),
        [prediction],
        order=2,
    )


def test_targets_and_sample_weights_can_carry_gradients():
    prediction = Tensor([0.5, 0.0], "float64")
    target = Tensor([1.0, 2.0], "float64", requires_grad=True)
    weight = Tensor([1.0, 3.0], "float64", requires_grad=True)
    assert gradcheck(lambda t, w: mse(prediction, t, sample_weight=w), [target, weight])


# --- large numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("logit", [1e3, -1e3, 1e30, -1e30])
@pytest.mark.parametrize("answer", [0, 1])
def test_binary_cross_entropy_of_large_logits_is_finite(logit, answer):
    p = Tensor([logit], requires_grad=True)
    loss = binary_cross_entropy(p, [answer])
    loss.backward()
    right = (logit > 0) == bool(answer)
    assert loss.item() == (0 if right else pytest.approx(abs(logit)))
    assert p.grad.tolist() == [0 if right else math.copysign(1, logit)]


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_cross_entropy_of_large_logits_is_finite(size):
    p = Tensor([[size, -size, 0.0]], requires_grad=True)
    loss = cross_entropy(p, [2])
    loss.backward()
    assert loss.item() == pytest.approx(size)
    assert p.grad.tolist() == [[1, 0, -1]]


def test_a_class_ruled_out_by_an_infinite_logit_does_not_spoil_the_others():
    p = Tensor([[-math.inf, 0.0, 0.0]], "float64", requires_grad=True)
    loss = cross_entropy(p, [1])
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert p.grad.tolist() == [[0, -0.5, 0.5]]


def test_huber_of_a_huge_error_does_not_square_it():
    p = Tensor([1e30], requires_grad=True)
    loss = huber(p, [0.0])
    loss.backward()
    assert loss.item() == pytest.approx(1e30)
    assert p.grad.tolist() == [1]


# --- weights ------------------------------------------------------------------------------------

numbers = st.floats(-5, 5)


@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 3)), min_size=1, max_size=6))
def test_an_integer_weight_is_as_many_copies_of_the_sample(samples):
    samples = [*samples, (0.5, 1.0, 1)]
    copies = [(p, t) for p, t, weight in samples for _ in range(weight)]
    for loss in (mse, mae, huber, quantile):
        weighted = loss(
            [p for p, _, _ in samples],
            [t for _, t, _ in samples],
            sample_weight=[weight for _, _, weight in samples],
        )
        copied = loss([p for p, _ in copies], [t for _, t in copies])
        assert weighted.item() == pytest.approx(copied.item(), rel=1e-5, abs=1e-6)


def test_sample_and_class_weights_multiply_in_the_divisor_too():
    p = Tensor([[1.0, 0.0], [0.5, 2.0]], "float64")
    own = cross_entropy(p, [0, 1], reduction="none").tolist()
    loss = cross_entropy(p, [0, 1], class_weight=[2, 3], sample_weight=[5, 7])
    expected = (2 * 5 * own[0] + 3 * 7 * own[1]) / (2 * 5 + 3 * 7)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_weight_for_each_element_is_allowed():
    loss = mse([[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], sample_weight=[[1, 0], [0, 1]])
    assert loss.item() == (1 + 16) / 2


def test_binary_class_weights_weigh_both_classes():
    p = Tensor([0.3, -0.8], "float64")
    own = binary_cross_entropy(p, [0, 1], reduction="none").tolist()
    weighted = binary_cross_entropy(p, [0, 1], class_weight=[2, 3], reduction="none").tolist()
    assert weighted == pytest.approx([2 * own[0], 3 * own[1]], rel=1e-12)


# --- what is accepted ---------------------------------------------------------------------------


def test_targets_take_on_the_data_type_of_the_prediction():
    p = Tensor([1.0], "float32")
    assert mse(p, Tensor([0.0], "float64")).dtype == "float32"
    assert mse(Tensor([0.25], "float64"), [0.1]).item() == (0.25 - 0.1) ** 2


def test_integer_predictions_become_float32():
    loss = mse([1, 2], [1, 4])
    assert (loss.item(), loss.dtype) == (2, "float32")


def test_a_single_sample_needs_no_axis():
    assert mse(2.0, 1.0).item() == 1
    assert cross_entropy([0.0, 0.0], 1).item() == pytest.approx(math.log(2))


def test_one_hot_integers_are_probabilities():
    p = Tensor([[1.0, 0.0, 2.0]])
    assert cross_entropy(p, [[0, 0, 1]]).item() == cross_entropy(p, [2]).item()


def test_the_sum_over_no_samples_is_zero():
    assert mse(zeros(0), zeros(0), reduction="sum").item() == 0


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [mse, mae, huber, quantile, poisson, binary_cross_entropy])
def test_a_row_against_a_column_is_refused_with_advice(loss):
    with pytest.raises(ShapeError, match=r"\(3, 1\).*\(3,\).*use target.reshape\(\(3, 1\)\)"):
        loss(zeros(3, 1), zeros(3))


def test_a_different_number_of_targets_is_refused():
    with pytest.raises(ShapeError, match=r"mse: .*\(3,\).*\(2,\).*target for every prediction"):
        mse(zeros(3), zeros(2))


@pytest.mark.parametrize("target", [[[0], [1]], [0, 1, 0], 1])
def test_cross_entropy_says_what_shape_targets_must_have(target):
    with pytest.raises(ShapeError, match=r"must be \(2,\) with class numbers, or \(2, 3\) with"):
        cross_entropy(zeros(2, 3), target)


def test_cross_entropy_of_a_scalar_is_refused():
    with pytest.raises(ShapeError, match="cross_entropy"):
        cross_entropy(1.0, 0)


@pytest.mark.parametrize("number", [3, -1])
def test_a_number_that_is_no_class_is_refused(number):
    with pytest.raises(OutOfRangeError, match=f"from 0 to 2, and number 1 is {number}"):
        cross_entropy(zeros(2, 3), [0, number])


@pytest.mark.parametrize(("target", "dtype"), [([0.0, 1.0], "float32"), ([True, False], "bool")])
def test_class_numbers_that_are_not_integers_are_refused(target, dtype):
    with pytest.raises(DTypeError, match=f'must be int64, not {dtype}; use astype\\("int64"\\)'):
        cross_entropy(zeros(2, 3), target)


@pytest.mark.parametrize("classes", [0, 1])
def test_cross_entropy_needs_two_classes(classes):
    # With one, the probability is 1 and the loss 0 whatever the prediction.
    message = rf"has shape \(2, {classes}\), and there must be 2 classes.*binary_cross_entropy"
    with pytest.raises(ShapeError, match=message):
        cross_entropy(zeros(2, classes), zeros(2, classes) + 1)


X = Tensor([[0.5, -1.0], [2.0, 0.0]])
E = X.exp()


@pytest.mark.parametrize(
    ("prediction", "activation"),
    [
        (X.sigmoid(), "sigmoid"),
        (X.flatten().sigmoid().reshape(2, 2), "sigmoid"),
        (X.sigmoid().astype("float64").T, "sigmoid"),
        (X.softmax(), "softmax"),
        (X.softmax(0)[:, ::-1], "softmax"),
        (X.softmax()[:, [1, 0]], "softmax"),
        (X.exp() / X.exp(), None),
        (X.sigmoid() / X.sigmoid().sum(), None),
        (E, None),
        (E / X.exp().sum(), None),
        (E / (E.sum() + 1), None),
        (X.sigmoid() * 2, None),
        (X.log_softmax(), None),
        (X, None),
    ],
)
@pytest.mark.parametrize("loss", [binary_cross_entropy, cross_entropy])
def test_what_is_a_probability_already_is_no_logit(loss, prediction, activation):
    target = [[1, 0], [0, 1]]
    if activation is None:
        assert math.isfinite(loss(prediction, target).item())
        return
    message = f"{loss.__name__}: the prediction is the result of {activation}, and must be logits"
    with pytest.raises(ArgumentError, match=message):
        loss(prediction, target)


def test_probabilities_must_be_such():
    with pytest.raises(
        ArgumentError, match=r"probability must be from 0 to 1, and number 2 is 1\.5"
    ):
        cross_entropy(zeros(1, 3), [[0.0, 0.5, 1.5]])
    with pytest.raises(ArgumentError, match=r"sum of a sample.*number 0 is 0\.8"):
        cross_entropy(zeros(1, 3), [[0.0, 0.4, 0.4]])


def test_binary_targets_are_from_0_to_1():
    with pytest.raises(ArgumentError, match=r"a target must be from 0 to 1, and number 1 is -1"):
        binary_cross_entropy(zeros(2), [1, -1])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_is_refused_wherever_it_stands(place):
    values = [1.0, 0.0, 1.0]
    values[place] = math.nan
    for check in (
        lambda: binary_cross_entropy(zeros(3), values),
        lambda: cross_entropy(zeros(1, 3), [values]),
        lambda: poisson(zeros(3), values),
        lambda: mse(zeros(3), zeros(3), sample_weight=values),
        lambda: cross_entropy(zeros(1, 3), [0], class_weight=values),
    ):
        with pytest.raises(ArgumentError, match=f"and number {place} is nan"):
            check()


def test_counts_are_not_negative():
    with pytest.raises(ArgumentError, match=r"a count; it must be 0 or more, and number 0 is -2"):
        poisson(zeros(2), [-2, 1])


@pytest.mark.parametrize("amount", [-0.1, 1.0, math.nan, "0.1"])
def test_label_smoothing_out_of_range_is_refused(amount):
    for loss, target in ((binary_cross_entropy, [[1, 0]]), (cross_entropy, [1])):
        with pytest.raises(ArgumentError, match="label_smoothing must be a number of at least 0"):
            loss(zeros(1, 2), target, label_smoothing=amount)


@pytest.mark.parametrize("delta", [0, -1.0, math.inf, math.nan])
def test_huber_delta_out_of_range_is_refused(delta):
    with pytest.raises(ArgumentError, match="delta must be a number above 0"):
        huber([1.0], [1.0], delta=delta)


@pytest.mark.parametrize("share", [0, 1, -0.5, math.nan])
def test_quantile_out_of_range_is_refused(share):
    with pytest.raises(ArgumentError, match="must be a number above 0 and below 1"):
        quantile([1.0], [1.0], quantile=share)


def test_negative_weights_are_refused():
    with pytest.raises(ArgumentError, match=r"mse: a sample weight must be 0 or more.*number 1"):
        mse([1.0, 2.0], [1.0, 2.0], sample_weight=[1.0, -1.0])
    with pytest.raises(ArgumentError, match=r"a class weight must be 0 or more.*number 0"):
        cross_entropy(zeros(1, 2), [1], class_weight=[-1.0, 1.0])


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"sample_weight has shape \(3,\) and must have \(2,\)"):
        mse(zeros(2, 2), zeros(2, 2), sample_weight=[1, 1, 1])
    with pytest.raises(ShapeError, match=r"class_weight has shape \(2,\) and must have \(3,\)"):
        cross_entropy(zeros(1, 3), [1], class_weight=[1, 1])
    with pytest.raises(ShapeError, match=r"class_weight has shape \(1,\) and must have \(2,\)"):
        binary_cross_entropy(zeros(1, 3), zeros(1, 3), class_weight=[1])


def test_a_mean_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="mse: a mean of nothing"):
        mse(zeros(0), zeros(0))
    with pytest.raises(ArgumentError, match="mean of nothing"):
        mse([1.0], [2.0], sample_weight=[0])
    with pytest.raises(ArgumentError, match="mean of nothing"):
        cross_entropy(zeros(1, 2), [1], class_weight=[1, 0])


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ArgumentError, match="unknown reduction 'men'; did you mean 'mean'"):
        mse([1.0], [1.0], reduction="men")


# --- by name ------------------------------------------------------------------------------------


def test_losses_have_names():
    assert all(loss_named(name) is loss for name, loss in LOSSES.items())


def test_a_function_is_its_own_name():
    assert loss_named(max) is max


def test_an_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(ArgumentError, match="unknown loss 'cross_entrpy'; did you mean 'cross_ent"):
        loss_named("cross_entrpy")


def test_a_name_in_capitals_is_taken_as_meant():
    with pytest.raises(ArgumentError, match="unknown loss 'MSELoss'; did you mean 'mse'"):
        loss_named("MSELoss")
