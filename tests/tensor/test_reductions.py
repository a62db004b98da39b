import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, DTypeError, ShapeError, Tensor
from tests.tensor.helpers import (
    INF,
    NAN,
    axes_from_front,
    broadcastable,
    close,
    element,
    nested,
    numbers,
    reduced,
    same,
    shape_and_axes,
    stretched,
)


def mean(values):
    return math.fsum(values) / len(values) if values else NAN


def variance(values):
    return mean([(value - mean(values)) ** 2 for value in values])


REDUCTIONS = {
    "sum": math.fsum,
    "mean": mean,
    "var": variance,
    "std": lambda values: math.sqrt(variance(values)) if values else NAN,
}
SELECTIONS = {
    "max": max,
    "min": min,
    "argmax": lambda values: values.index(max(values)),
    "argmin": lambda values: values.index(min(values)),
}


@given(shape_and_axes(), st.booleans(), st.sampled_from(sorted(REDUCTIONS)))
def test_reductions_over_any_axes(drawn, keepdims, name):
    shape, axis = drawn
    x = numbers(shape)
    result = getattr(x, name)(axis, keepdims=keepdims)
    axes = axes_from_front(axis, len(shape))
    assert result.shape == tuple(
        1 if i in axes else size for i, size in enumerate(shape) if keepdims or i not in axes
    )
    assert close(result.tolist(), reduced(x.tolist(), shape, axis, keepdims, REDUCTIONS[name]))


@given(shape_and_axes(), st.booleans(), st.sampled_from(sorted(SELECTIONS)), st.booleans())
def test_selections_over_any_axes(drawn, keepdims, name, ties):
    shape, axis = drawn
    x = numbers(shape)
    if ties:
        x = (x > 0).astype("float64")
    if any(shape[a] == 0 for a in axes_from_front(axis, len(shape))):
        with pytest.raises(ShapeError, match=r"no elements: shape .* has size 0 along axes"):
            getattr(x, name)(axis, keepdims=keepdims)
        return
    result = getattr(x, name)(axis, keepdims=keepdims)
    assert result.tolist() == reduced(x.tolist(), shape, axis, keepdims, SELECTIONS[name])
    assert result.dtype == ("int64" if name.startswith("arg") else "float64")


def test_axes_count_from_the_end_too():
    x = Tensor([[1, 2, 3], [4, 5, 6]])
    assert x.sum(-1).tolist() == x.sum(1).tolist() == x.sum([1]).tolist() == [6, 15]
    assert x.sum((-2, -1)).item() == x.sum().item() == 21
    assert x.sum(()).tolist() == x.tolist()


def test_data_types_of_reductions():
    bools, integers = Tensor([True, True, False]), Tensor([3, 1, 2])
    assert (bools.sum().item(), bools.sum().dtype) == (2, "int64")
    assert (integers.sum().item(), integers.sum().dtype) == (6, "int64")
    assert (integers.mean().item(), integers.mean().dtype) == (2.0, "float32")
    assert close(bools.mean().item(), 2 / 3, rel=1e-7)
    assert integers.var().dtype == bools.std().dtype == "float32"
    assert (bools.max().tolist(), bools.max().dtype) == (True, "bool")
    assert (bools.min().tolist(), bools.min().dtype) == (False, "bool")
    assert (bools.argmin().item(), integers.argmax().item()) == (2, 0)
    assert (integers.min().item(), integers.min().dtype) == (1, "int64")


def test_nan_is_the_largest_and_the_smallest():
    x = Tensor([[1.0, NAN, 3.0], [NAN, INF, NAN], [1.0, 2.0, 3.0]])
    assert same(x.max(1).tolist(), [NAN, NAN, 3.0])
    assert same(x.min(1).tolist(), [NAN, NAN, 1.0])
    assert x.argmax(1).tolist() == [1, 0, 2]
    assert x.argmin(1).tolist() == [1, 0, 0]
    assert math.isnan(x.sum().item())


def test_infinities():
    x = Tensor([INF, -INF, 0.0])
    assert (x.max().item(), x.min().item(), x.argmin().item()) == (INF, -INF, 1)
    assert math.isnan(x.sum().item())
    assert Tensor([INF, 1.0]).sum().item() == INF


def test_reductions_of_nothing():
    x = bg.zeros(2, 0)
    assert (x.sum().item(), x.sum(0).tolist(), x.sum(1).tolist()) == (0.0, [], [0.0, 0.0])
    assert math.isnan(x.mean().item())
    assert math.isnan(x.var().item())
    assert x.max(0).shape == (0,)
    with pytest.raises(ShapeError, match=r"argmax of no elements: shape \(2, 0\) .* \(1,\)"):
        x.argmax(1)


def test_whether_some_or_all_elements_are_true():
    x = Tensor([[0.0, 2.0], [0.0, 0.0]])
    assert (x.any().item(), x.all().item()) == (True, False)
    assert x.any(1).tolist() == [True, False]
    assert (x == 0).all(1, keepdims=True).tolist() == [[False], [True]]
    assert (bg.zeros(0).any().item(), bg.zeros(0).all().item()) == (False, True)
    assert Tensor([math.nan]).any().item()


def test_the_divisor_of_the_variance_can_be_corrected():
    x = Tensor([1.0, 2.0, 4.0], "float64")
    assert close(x.var(correction=1).item(), 7 / 3)
    assert close(x.std(correction=1).item(), math.sqrt(7 / 3))
    assert x.var(correction=1, keepdims=True).shape == (1,)


@pytest.mark.parametrize("correction", [1, 2])
def test_there_is_no_variance_without_a_divisor(correction):
    assert math.isnan(Tensor([5.0]).var(correction=correction).item())


def test_a_variance_without_a_divisor_is_infinite_unless_there_is_none():
    assert Tensor([1.0, 2.0]).var(correction=2).item() == INF
    assert Tensor([1.0, 2.0]).std(correction=3).item() == INF
    assert math.isnan(Tensor([2.0, 2.0]).var(correction=2).item())


def test_the_standard_deviation_of_equal_elements_has_gradient_0():
    x = Tensor([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]], "float64", requires_grad=True)
    deviation = x.std(1)
    assert deviation[0].item() == 0.0
    (first,) = bg.grad(deviation.sum(), x, create_graph=True)
    assert first[0].tolist() == [0.0, 0.0, 0.0]
    # (xᵢ - mean) / (n std), with mean 7/3 and std √(14/9)
    expected = [(value - 7 / 3) / math.sqrt(14) for value in (1.0, 2.0, 4.0)]
    assert close(first[1].tolist(), expected)
    (second,) = bg.grad((first * first).sum(), x)
    assert second[0].tolist() == [0.0, 0.0, 0.0]
    assert second.isfinite().min()


def test_equal_elements_share_the_gradient():
    x = Tensor([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]], "float64", requires_grad=True)
    x.max(1).sum().backward()
    third = 1 / 3
    assert x.grad.tolist() == [[0.5, 0.0, 0.5], [third, third, third]]
    x.grad = None
    x.min().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", ["sum", "mean", "var", "max", "argmax", "logsumexp"])
@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (2, "axis 2 does not exist; the axes are -2 to 1"),
        (-3, "axis -3 does not exist"),
        ((0, 0), r"axes \(0, 0\) name one axis twice"),
        ((0, -2), r"axes \(0, -2\) name one axis twice"),
        (1.0, "an axis is numbered by an integer, not 1.0"),
        ("x", "an axis is numbered by an integer, not 'x'"),
    ],
)
def test_axes_that_are_not_there_are_named(name, axis, message):
    with pytest.raises(ArgumentError, match=f"^{name}: {message}"):
        getattr(bg.zeros(2, 3), name)(axis)


def test_a_scalar_has_no_axis():
    with pytest.raises(ArgumentError, match="sum: axis 0 does not exist in a scalar"):
        Tensor(1.0).sum(0)
    assert Tensor(2.0).max().item() == 2.0
    assert Tensor(2.0).argmax().item() == 0


# --- matrix products --------------------------------------------------------------------------


@given(broadcastable(2, max_dims=2), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_batches_of_matrices_broadcast(drawn, m, k, n):
    batch, (left, right) = drawn
    x, y = numbers((*left, m, k), seed=1), numbers((*right, k, n), seed=2)
    z = x @ y
    assert z.shape == (*batch, m, n)

    def product(index):
        *outer, row, column = index
        a = stretched(x.tolist(), left, outer) if m and k else []
        b = stretched(y.tolist(), right, outer) if k and n else []
        return math.fsum(a[row][i] * b[i][column] for i in range(k))

    assert close(z.tolist(), nested(z.shape, product))


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_vectors_are_rows_on_the_left_and_columns_on_the_right(b, m, k):
    matrices, vector, row = numbers((b, m, k), seed=1), numbers((k,), seed=2), numbers((m,), seed=3)
    x, v, r = matrices.tolist(), vector.tolist(), row.tolist()
    assert close(
        (matrices @ vector).tolist(),
        nested((b, m), lambda at: math.fsum(element(x, (*at, i)) * v[i] for i in range(k))),
    )
    assert close(
        (row @ matrices).tolist(),
        nested((b, k), lambda at: math.fsum(r[i] * x[at[0]][i][at[1]] for i in range(m))),
    )
    assert close((vector @ vector).item(), math.fsum(value * value for value in v))


def test_matrix_products_of_integers_are_exact():
    x = Tensor([[2**40, 1], [3, 4]])
    assert (x @ Tensor([[2**20, 1], [5, 6]])).tolist() == [
        [2**60 + 5, 2**40 + 6],
        [3 * 2**20 + 20, 27],
    ]
    assert (Tensor([True, True]) @ Tensor([True, True])).item() == 2
    assert (Tensor([1, 2]) @ Tensor([2.5, 1.0])).dtype == "float32"


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (
            (2, 3),
            (2, 3),
            r"\(2, 3\) @ \(2, 3\): the last axis of the left \(3\) must have the size",
        ),
        ((3,), (2,), r"the last axis of the left \(3\)"),
        ((2, 1, 1), (3, 1, 1), r"leading shapes \(2,\) and \(3,\) do not broadcast"),
        ((), (2,), "a scalar has no matrix product"),
        ((2,), (), "a scalar has no matrix product"),
    ],
)
def test_matrices_that_do_not_fit_are_named(left, right, message):
    with pytest.raises(ShapeError, match=f"^matmul: .*{message}"):
        bg.ones(left) @ bg.ones(right)


def test_a_matrix_product_is_with_a_tensor():
    with pytest.raises(DTypeError, match="matmul: the right side must be a tensor, not 2"):
        Tensor([1.0]).matmul(2)
    with pytest.raises(TypeError, match="unsupported operand"):
        Tensor([1.0]) @ [2.0]
    assert bg.matmul([1, 2], [3, 4]).item() == 11
