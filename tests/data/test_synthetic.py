import math

import pytest

import baregrad as bg
from baregrad.data.synthetic import (
    DATASETS,
    blobs,
    checkerboard,
    circles,
    dataset_named,
    friedman,
    linear,
    moons,
    sine,
    spirals,
    xor,
)
from baregrad.errors import ArgumentError

F32 = 1e-5  # float32 rounding of numbers up to about 30


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_has_the_promised_shapes_and_types(name):
    data = dataset_named(name, samples=30, seed=1)
    assert data.name == name
    assert data.task == DATASETS[name].task
    assert data.x.shape == (30, len(data.features))
    assert data.x.dtype == "float32"
    if data.task == "regression":
        assert (data.y.shape, data.y.dtype, data.classes) == ((30, 1), "float32", 0)
    else:
        assert (data.y.shape, data.y.dtype) == ((30,), "int64")
        assert set(data.y.tolist()) == set(range(data.classes))


@pytest.mark.parametrize("name", DATASETS)
def test_the_seed_decides_the_samples(name):
    first, again, other = (dataset_named(name, 20, 0.3, seed=s) for s in (4, 4, 5))
    assert first.x.tolist() == again.x.tolist()
    assert first.y.tolist() == again.y.tolist()
    assert first.x.tolist() != other.x.tolist()


def test_without_a_seed_the_default_generator_draws():
    bg.manual_seed(8)
    first = sine(5).x.tolist()
    assert sine(5).x.tolist() != first
    bg.manual_seed(8)
    assert sine(5).x.tolist() == first


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (linear, lambda x: 2 * x[0] - 3 * x[1] + 1),
        (sine, lambda x: math.sin(x[0])),
        (
            friedman,
            lambda x: (
                10 * math.sin(math.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
            ),
        ),
    ],
)
def test_regression_without_noise_follows_its_formula(make, formula):
    data = make(50, noise=0, seed=2)
    for x, (y,) in zip(data.x.tolist(), data.y.tolist(), strict=True):
        assert y == pytest.approx(formula(x), abs=F32)


def test_noise_is_the_standard_deviation_of_the_error():
    clean, noisy = (linear(4000, noise=n, seed=3) for n in (0, 0.5))
    errors = [a - b for (a,), (b,) in zip(noisy.y.tolist(), clean.y.tolist(), strict=True)]
    # the standard error of a standard deviation from n values is about its 1/sqrt(2n)-th part
    assert math.sqrt(sum(e * e for e in errors) / 4000) == pytest.approx(0.5, rel=4 / 89)


def test_xor_of_four_without_noise_is_the_truth_table():
    data = xor(4, noise=0, seed=0)
    assert data.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.y.tolist() == [0, 1, 1, 0]


def points_of(data):
    return zip(data.x.tolist(), data.y.tolist(), strict=True)


def test_moons_lie_on_half_circles():
    for (a, b), label in points_of(moons(40, noise=0, seed=1)):
        if label:
            a, b = 1 - a, 0.5 - b
        assert a * a + b * b == pytest.approx(1, abs=F32)
        assert b >= -F32


def test_circles_have_radius_one_and_one_half():
    for (a, b), label in points_of(circles(40, noise=0, seed=1)):
        assert math.hypot(a, b) == pytest.approx(0.5 if label else 1, abs=F32)


def test_spirals_turn_with_the_radius():
    for (a, b), label in points_of(spirals(40, noise=0, seed=1)):
        radius = math.hypot(a, b)
        angle = math.pi * (3 * radius + label)
        assert (a, b) == pytest.approx(
            (radius * math.cos(angle), radius * math.sin(angle)), abs=F32
        )


def test_blobs_gather_around_their_centres():
    for (a, b), label in points_of(blobs(60, noise=0, seed=1)):
        angle = 2 * math.pi * label / 3
        assert (a, b) == pytest.approx((2 * math.cos(angle), 2 * math.sin(angle)), abs=F32)
    assert blobs(2, seed=0).classes == 3


def test_checkerboard_squares_alternate():
    for (a, b), label in points_of(checkerboard(200, seed=1)):
        assert (math.floor(a) + math.floor(b)) % 2 == label


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ArgumentError, match=r"unknown data set 'moon'; did you mean 'moons'"):
        dataset_named("moon")


def test_no_samples_are_refused():
    with pytest.raises(ArgumentError, match="the number of samples must be an integer of at least"):
        moons(0)


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_noise_that_is_no_deviation_is_refused(noise):
    with pytest.raises(ArgumentError, match="noise, a standard deviation, must be a number"):
        linear(5, noise)


def test_a_data_set_shows_its_name_and_shapes():
    assert repr(bg.dataset_named("moons", samples=10)) == (
        "Dataset('moons', classification, x=(10, 2), y=(10,))"
    )
