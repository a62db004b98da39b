"""Indices: which of them are checked before a step, and which need not be."""

import pytest

import baregrad as bg
from baregrad.compiler.capture import capture
from baregrad.compiler.step import compile
from baregrad.errors import ArgumentError, OutOfRangeError
from baregrad.machine.cpu import is_x86_64

table = bg.arange(8.0).reshape(4, 2).detach()


@pytest.mark.parametrize(
    "places",
    [
        lambda x, i: x.argmax(1),
        lambda x, i: x[:, :4].argmax(1).reshape(1, -1).T,
        lambda x, i: (x > 0).astype("int64"),
        lambda x, i: (i * 3).clip(0, 3),
        lambda x, i: (i + 1).minimum(3).maximum(-4),
        lambda x, i: (x.argmax(1) > 1).where(2, (x > 0).astype("int64").sum(1).clip(0, 2)),
    ],
)
def test_indices_that_cannot_be_out_of_range_need_no_check(places):
    program = capture(lambda x, i: table.take(places(x, i)), bg.ones(3, 4), bg.Tensor([1]))
    assert program.is_checked


@pytest.mark.parametrize(
    "places",
    [
        lambda x, i: x.argmax(),
        lambda x, i: i + 0 * i,
        lambda x, i: (i * 3).clip(0, 4),
        lambda x, i: (i * 3).clip(-5, 3),
        lambda x, i: (i * 3).clip(0, None),
        lambda x, i: (x + 1).clip(0, 3).astype("int64"),  # of NaN, too
        lambda x, i: (i < 2).where(i * 2, i),
        lambda x, i: (i < 5).where(4, i),
    ],
)
def test_others_that_are_computed_cannot_be_checked(places):
    program = capture(lambda x, i: table.take(places(x, i)), bg.ones(3, 4), bg.Tensor([1]))
    assert not program.is_checked


def test_an_index_that_the_step_changes_is_not_known_for_many_steps():
    place = bg.Tensor(0)

    def step():
        row = table.take(place)
        place.assign(place + 1)
        return row

    assert not capture(step).is_checked


@pytest.mark.parametrize(
    ("part", "is_wrong"),
    [
        (lambda x: x[:, 1], False),
        (lambda x: x[:, 0], True),
        (lambda x: x[:, 1::2], False),
        (lambda x: x[:, ::-1][:, 2], False),
        (lambda x: x[:, ::-1][:, 3], True),
        (lambda x: x[1:, 0], False),
        (lambda x: x.take([1, 1])[:, 1], False),
        (lambda x: x.take([1, 1])[:, 0], True),  # of all rows
        (lambda x: x.take([0, 1], 1)[:, 1], True),
        (lambda x: x.T[1], True),  # axes in another order: all
        (lambda x: x[:0, 0], False),
    ],
)
def test_only_what_may_be_chosen_is_checked(part, is_wrong):
    x = bg.Tensor([[90.0, 1.0, 70.0, 3.0], [2.0, 0.0, -80.0, 1.0]])
    for program, place in (
        (capture(lambda x: table.take(part(x).astype("int64")), x), 0),
        (capture(lambda: table.take(part(x).astype("int64"))), x),
    ):
        ((found, check),) = program.checks
        assert program.is_checked
        assert found is place or found == place
        for steps in (1, 3):
            if is_wrong:
                with pytest.raises(OutOfRangeError):
                    check(x.array.data * steps)
            else:
                check(x.array.data * steps)


@pytest.mark.parametrize(
    ("part", "is_checked"),
    [
        (lambda x, i: x, True),
        (lambda x, i: x.take(i), True),
        (lambda x, i: x[:, 1:], True),
        (lambda x, i: x.T, False),
        (lambda x, i: x.take(i.reshape(1, 2))[:, :, 1:], False),
        (lambda x, i: x.take(i, 1), False),
        (lambda x, i: x * 1.5, False),
    ],
)
def test_sums_of_rows_are_checked_where_rows_are_those_of_the_origin(part, is_checked):
    def step(x, i):
        return bg.losses.cross_entropy(bg.ones(*part(x, i).shape), part(x, i))

    x, i = bg.Tensor([[0.0, 0.5, 0.5], [0.0, 0.25, 0.75]]), bg.Tensor([0, 1])
    checks = [check for place, check in capture(step, x, i).checks if place == 0]
    of_sums = checks[1:]  # the first is of each probability
    assert len(of_sums) == is_checked
    for check in of_sums:
        check(x.array.data * 2)
        with pytest.raises(ArgumentError, match=r"sum of a sample's target .* number 1 is 1\.25"):
            check(bg.Tensor([[0.0, 0.5, 0.5], [0.0, 0.5, 0.75]]).array.data)


@pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")
def test_categories_beside_large_numbers_are_trained_and_predicted_natively():
    x = bg.Tensor([[i % 3, 100.0 * i - 500.0] for i in range(24)])
    y = bg.Tensor([[float(i % 3 == 1)] for i in range(24)])
    model = bg.Sequential(
        bg.EmbeddedFeatures(2, {0: 3}, 2, seed=0), bg.BatchNorm1d(3), bg.Linear(3, 1, seed=1)
    )
    history = bg.fit(model, x, y, "mse", epochs=3, batch_size=8, compiled=True, seed=0)
    assert history.fallback is None
    assert history.compiled
    expected = model(x).flatten().tolist()
    assert bg.Predictor(model, 2)(x).flatten().tolist() == pytest.approx(expected, rel=1e-4)
    compiled = compile(model)
    assert compiled.many(2, x.reshape(2, 12, 2)).flatten().tolist() == pytest.approx(
        expected, rel=1e-4
    )
    with pytest.raises(OutOfRangeError, match=r"category's number must be .* 3"):
        compiled.many(2, bg.Tensor([[[1.0, 5.0]], [[3.0, 0.0]]]))
