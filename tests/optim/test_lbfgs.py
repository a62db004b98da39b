"""L-BFGS and its line search."""

import math

import pytest

from baregrad import ArgumentError, ModelFileError, NonFiniteError, Tensor, zeros
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.line_search import C1, C2, Point, strong_wolfe


def problem(start=(-1.2, 1.0), dtype="float64", **options):
    """Rosenbrock's valley, (1 - x)² + 100 (y - x²)², least at (1, 1)."""
    x = Tensor(list(start), dtype, requires_grad=True)
    optimizer = LBFGS([x], **options)

    def closure():
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    return x, optimizer, closure


def test_it_finds_the_end_of_rosenbrocks_valley():
    x, optimizer, closure = problem(
        line_search_fn="strong_wolfe", max_iter=100, tolerance_change=1e-15
    )
    assert optimizer.step(closure).item() == pytest.approx(24.2)
    assert x.tolist() == pytest.approx([1, 1], abs=1e-6)


def test_float32_parameters_of_any_shape_stay_so():
    w = Tensor([[3.0, -1.0], [2.0, 0.5]], requires_grad=True)
    b, unused = Tensor(5.0, "float64", requires_grad=True), zeros(2, requires_grad=True)
    optimizer = LBFGS([w, b, unused], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = ((w - 1) ** 2).sum() + (b + 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    assert (w.dtype, w.shape, b.dtype, b.shape) == ("float32", (2, 2), "float64", ())
    assert w.flatten().tolist() == pytest.approx([1] * 4, abs=1e-6)
    assert b.item() == pytest.approx(-2, abs=1e-6)
    assert unused.tolist() == [0, 0]


def test_at_a_minimum_nothing_moves():
    x, optimizer, closure = problem(start=(1.0, 1.0))
    optimizer.step(closure)
    assert x.tolist() == [1, 1]
    assert optimizer.state_dict()["state"][0]["step"] == 0


def test_a_step_ends_when_the_slope_is_within_the_tolerance():
    x, optimizer, closure = problem(tolerance_change=1e9)
    optimizer.step(closure)
    assert x.tolist() == [-1.2, 1.0]
    optimizer.step(closure)  # there was no move, so there is no pair to learn from
    assert optimizer.state_dict()["state"][0]["moves"] == []


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_training_goes_on_from_a_saved_state_as_if_uninterrupted(search):
    options = {"max_iter": 3, "lr": 0.001 if search is None else 1, "line_search_fn": search}
    x, optimizer, closure = problem(**options)
    optimizer.step(closure)
    saved = optimizer.state_dict()
    y, other, other_closure = problem(start=x.tolist())
    other.load_state_dict(saved)
    for _ in range(3):
        optimizer.step(closure)
        other.step(other_closure)
    assert y.tolist() == x.tolist()


def test_it_keeps_as_many_pairs_as_it_was_told():
    _, optimizer, closure = problem(line_search_fn="strong_wolfe", max_iter=10, history_size=3)
    optimizer.step(closure)
    state = optimizer.state_dict()["state"][0]
    assert [len(state[name]) for name in ("moves", "changes", "curvatures")] == [3, 3, 3]


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("step"),
        lambda state: state.pop("changes"),
        lambda state: state.update(moves=3),
        lambda state: state.update(curvatures=[None] * len(state["moves"])),
        lambda state: state["moves"].pop(),
        lambda state: state["changes"].__setitem__(0, zeros(3)),
        lambda state: state["moves"].__setitem__(0, 1.0),
        lambda state: state.pop("move"),
        lambda state: state.update(gradient=zeros(5)),
    ],
)
def test_a_damaged_state_is_refused(change):
    _, optimizer, closure = problem(max_iter=4, lr=1e-3)
    optimizer.step(closure)
    saved = optimizer.state_dict()
    assert saved["state"][0]["moves"]
    saved["state"][0] |= {name: [*saved["state"][0][name]] for name in ("moves", "changes")}
    change(saved["state"][0])
    with pytest.raises(ModelFileError, match="the state of LBFGS does not fit"):
        optimizer.load_state_dict(saved)


def test_the_state_is_that_of_the_first_parameter_only():
    first, second = (zeros(1, requires_grad=True) for _ in range(2))
    optimizer = LBFGS([first, second])
    saved = optimizer.state_dict()
    saved["state"][1] = {"step": 0, "moves": [], "changes": [], "curvatures": []}
    with pytest.raises(ModelFileError, match="does not fit"):
        optimizer.load_state_dict(saved)


def test_a_step_needs_a_closure():
    _, optimizer, _ = problem()
    with pytest.raises(ArgumentError, match=r"call step\(closure\)"):
        optimizer.step()


def test_several_groups_are_refused():
    groups = [{"parameters": [zeros(1, requires_grad=True)]} for _ in range(2)]
    with pytest.raises(ArgumentError, match="cannot have 2 groups"):
        LBFGS(groups)


def test_a_loss_that_explodes_is_reported():
    _, optimizer, closure = problem(lr=1e6, max_iter=50, max_eval=100)
    with pytest.raises(NonFiniteError, match=r"LBFGS: the loss is .* after \d+ iterations"):
        optimizer.step(closure)


# --- the line search ----------------------------------------------------------------------------


def search(function, slope, t, trials=25, tolerance=1e-9):
    """A search from 0; the point, and every distance tried."""
    tried = []

    def phi(t):
        tried.append(t)
        return Point(t, function(t), slope(t), zeros(1))

    start = Point(0.0, function(0.0), slope(0.0), zeros(1))
    return start, strong_wolfe(phi, start, t, 1.0, tolerance, trials), tried


def has_the_conditions(start, point):
    falls = point.loss <= start.loss + C1 * point.t * start.slope
    return falls and abs(point.slope) <= C2 * abs(start.slope)


@pytest.mark.parametrize("t", [1e-4, 0.01, 0.3, 1.0, 3.9, 7.0])
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda t: (t - 2) ** 2, lambda t: 2 * (t - 2)),
        (lambda t: math.cosh(t - 3), lambda t: math.sinh(t - 3)),
        # Moré and Thuente 1994, equation 5.1 with β = 2: concave, then flat.
        (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
        (
            lambda t: (t - 1) ** 4 + math.sin(5 * t),
            lambda t: 4 * (t - 1) ** 3 + 5 * math.cos(5 * t),
        ),
        # A sharp bend, near which cubics put their least place too close to an end.
        (
            lambda t: math.hypot(t - 1, 0.01) + 0.5 * (t - 1),
            lambda t: (t - 1) / math.hypot(t - 1, 0.01) + 0.5,
        ),
    ],
)
def test_the_point_found_has_the_strong_wolfe_conditions(function, slope, t):
    if slope(0) >= 0:  # this one rises from 0 on, so search from the other side
        function, slope = (lambda t, f=function: f(-t)), (lambda t, s=slope: -s(-t))
    start, point, _ = search(function, slope, t)
    assert has_the_conditions(start, point)
    assert point.loss < start.loss


def test_a_line_that_falls_for_ever_is_followed_as_far_as_trials_allow():
    _, point, tried = search(lambda t: -t, lambda t: -1.0, 1.0, trials=4)
    assert tried == [1, 10, 100, 1000, 10000]
    assert point.t == 10000


def test_overshooting_to_infinity_or_nan_is_taken_back():
    def barrier(t):
        return -math.log(1 - t) - 3 * t if t < 1 else math.nan

    def slope(t):
        return 1 / (1 - t) - 3 if t < 1 else math.nan

    for beyond in (1.5, 40.0):
        start, point, _ = search(barrier, slope, beyond)
        assert has_the_conditions(start, point)


def test_without_trials_the_lower_of_start_and_first_is_taken():
    _, point, tried = search(lambda t: t * t - t, lambda t: 2 * t - 1, 5.0, trials=0)
    assert (point.t, tried) == (0.0, [5.0])


def test_an_interval_within_the_tolerance_is_not_searched():
    _, point, tried = search(lambda t: t * t - t, lambda t: 2 * t - 1, 5.0, tolerance=100)
    assert (point.t, tried) == (0.0, [5.0])
