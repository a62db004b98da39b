"""A training that goes to any of its steps, and comes out the same."""

import pytest

import baregrad as bg
from baregrad.errors import NonFiniteError
from baregrad.nn.losses import loss_named
from baregrad.play.problem import problem_of
from baregrad.play.settings import Settings
from baregrad.play.trainer import Trainer

SMALL = Settings(data="moons", samples=53, hidden=(3,), activations=("tanh",), batch=8)


def trainer(**changes):
    settings = SMALL._replace(**changes)
    return Trainer(problem_of(settings, None), settings)


def values(trained):
    return [p.tolist() for p in trained.model.parameters()]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "mse"])
def test_steps_are_those_of_fit(loss):
    ours = trainer(loss=loss, optimizer="sgd", decay=0.01)
    model = bg.MLP(2, [3, 2 if loss == "cross_entropy" else 1], seed=0)
    optimizer = bg.SGD(model.parameters(), lr=SMALL.lr, weight_decay=0.01)
    x, y = ours.training.x, ours.training.y
    bg.fit(model, x, y, loss, optimizer, epochs=3, batch_size=8, seed=0, compiled=False)
    ours.advance(3 * ours.steps_per_epoch)
    assert ours.epoch == 3
    for mine, theirs in zip(ours.model.parameters(), model.parameters(), strict=True):
        assert mine.flatten().tolist() == pytest.approx(theirs.flatten().tolist(), abs=1e-5)


@pytest.mark.parametrize("step", [0, 64, 100])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout": 0.3, "optimizer": "rmsprop"},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "lbfgs", "lr": 1.0},
    ],
    ids=lambda changes: changes.get("optimizer", "usual"),
)
def test_going_back_gives_the_same_bits(step, changes):
    straight, there_and_back = trainer(**changes), trainer(**changes)
    straight.advance(step)
    there_and_back.advance(150)
    there_and_back.go_to(step)
    assert values(there_and_back) == values(straight)
    straight.advance(150 - step)
    there_and_back.go_to(150)
    assert values(there_and_back) == values(straight)
    assert there_and_back.furthest == 150


def test_without_machine_code_going_back_gives_the_same_bits():
    chosen = bg.engine()
    bg.set_engine("reference")
    try:
        ours = trainer(dropout=0.2)
        ours.advance(66)
        kept = values(ours)
        ours.advance(4)
        ours.go_to(66)
        assert values(ours) == kept
    finally:
        bg.set_engine(chosen)


def test_a_changed_rate_holds_from_its_step_on_and_is_remembered():
    ours = trainer()
    ours.advance(10)
    ours.change_rate(0.5)
    ours.advance(10)
    after = values(ours)
    assert (ours.rates, ours.rate) == ([(0, 0.02), (10, 0.5)], 0.5)
    ours.go_to(9)
    assert ours.rate == 0.02
    ours.go_to(20)
    assert values(ours) == after
    ours.go_to(5)
    ours.change_rate(0.1)
    assert (ours.rates, ours.furthest) == ([(0, 0.02), (5, 0.1)], 5)
    ours.change_rate(0.1)
    assert ours.rates == [(0, 0.02), (5, 0.1)]


def test_snapshots_become_rarer_and_all_steps_can_still_be_reached(monkeypatch):
    monkeypatch.setattr("baregrad.play.trainer.MOST_SNAPSHOTS", 4)
    ours, straight = trainer(), trainer()
    ours.advance(64 * 12)
    assert len(ours._snapshots) <= 5
    ours.go_to(500)
    straight.advance(500)
    assert values(ours) == values(straight)


def test_a_loss_that_is_not_finite_stops_before_its_step_and_says_why():
    ours = trainer(loss="mse", optimizer="sgd", activations=("identity",), lr=900.0)
    with pytest.raises(NonFiniteError, match="no longer finite at step") as caught:
        ours.advance(1000)
    assert f"step {ours.step} " in str(caught.value)
    order = ours._order[1]
    assert 0 < ours.step < 1000
    assert len(order) == len(ours.training)
    with pytest.raises(NonFiniteError):
        ours.advance(1)


def test_l_bfgs_stops_before_a_step_whose_loss_is_not_finite_and_says_why():
    ours = trainer(loss="mse", optimizer="lbfgs", lr=1.0)
    before = values(ours)
    ours.training.x.assign(ours.training.x * float("inf"))
    with pytest.raises(NonFiniteError, match="no longer finite at step 0 "):
        ours.advance(5)
    assert (ours.step, values(ours)) == (0, before)


def test_l_bfgs_learns_from_all_rows_in_each_step():
    ours = trainer(optimizer="lbfgs", lr=1.0)
    assert (ours.batch, ours.steps_per_epoch) == (len(ours.training), 1)
    ours.advance(30)
    loss = loss_named(ours.loss)(ours.model(ours.training.x), ours.training.y).item()
    assert loss < 0.15


def test_a_batch_larger_than_the_data_is_all_of_it():
    ours = trainer(batch=5000)
    ours.advance(2)
    assert ours.epoch == 2


def test_the_loss_falls():
    ours = trainer()
    before = loss_named(ours.loss)(ours.model(ours.training.x), ours.training.y).item()
    ours.advance(200)
    after = loss_named(ours.loss)(ours.model(ours.training.x), ours.training.y).item()
    assert after < 0.5 * before
