"""The playground without the web: commands, time and frames."""

import json

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, BaregradError, DataError
from baregrad.play.session import Session
from baregrad.play.settings import Settings
from baregrad.training import metrics
from tests.play.reading import unpacked, weights

SMALL = Settings(data="xor", samples=40, hidden=(3,), activations=("tanh",), batch=8)
TABLE = b"a,<b>&,y\n" + b"".join(b"%d,%d,%d\n" % (i, i * i % 7, 2 * i) for i in range(30))


@pytest.fixture
def session():
    return Session(SMALL)


def header(session):
    return unpacked(session.frame())[0]


def test_it_trains_only_while_playing(session):
    session.tick(1.0)
    assert session.trainer.step == 0
    session.do({"do": "play"})
    session.tick(0.1)
    assert session.trainer.step == 30
    session.do({"do": "pause"})
    session.tick(0.1)
    assert session.trainer.step == 30


def test_fractions_of_steps_add_up_and_late_ticks_are_not_made_up_for(session):
    session.do({"do": "speed", "speed": 5})
    session.play()
    for _ in range(10):
        session.tick(0.1)
    assert session.trainer.step == 5
    session.tick(100.0)
    assert session.trainer.step == 6


def test_at_full_speed_ticks_grow(session):
    session.do({"do": "speed", "speed": 0})
    session.play()
    for _ in range(40):
        session.tick(0.01)
    assert session.trainer.step > 40


def test_a_slow_training_gives_way_after_few_steps(session, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("baregrad.play.session.time.perf_counter", lambda: now[0])
    made = []

    def slow(steps):
        made.append(steps)
        now[0] += steps / 256

    monkeypatch.setattr(session.trainer, "advance", slow)
    session.play()
    for _ in range(3):
        session.tick(1.0)
    assert made == [64, 2, 2]


def test_one_step_and_one_epoch(session):
    session.do({"do": "step"})
    assert header(session)["step"] == 1
    session.do({"do": "epoch"})
    assert (header(session)["step"], header(session)["epoch"]) == (4, 1.0)


def test_going_back_restores_weights_and_losses(session):
    session.advance(70)
    kept, shown = weights(session), header(session)
    session.advance(30)
    session.do({"do": "goto", "step": 70})
    assert weights(session) == kept
    now = header(session)
    assert (now["loss"], now["furthest"]) == (shown["loss"], 100)
    with pytest.raises(ArgumentError, match="steps 0 to 100, and no 101"):
        session.do({"do": "goto", "step": 101})


def test_restart_begins_with_the_same_weights(session):
    kept = weights(session)
    session.advance(3)
    session.do({"do": "restart"})
    assert weights(session) == kept
    assert header(session)["furthest"] == 0


def test_a_frame_has_what_is_seen(session):
    session.advance(5)
    shown, sections = unpacked(session.frame())
    assert sections["weights"].tolist() == pytest.approx(_flat(_flat(weights(session))))
    assert len(sections["surfaces"]) == 48 * 48 * 4
    assert sections["losses"][0] == 5
    assert shown["loss"] == pytest.approx(sections["losses"][1:].tolist(), abs=1e-6)
    assert 0 <= shown["score"][0] <= 1


def _flat(values):
    return [v for row in values for v in (row if isinstance(row, list) else [row])]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "mse"])
def test_surfaces_are_what_the_network_answers(session, loss):
    session.change({"loss": loss})
    session.advance(100)
    surfaces = unpacked(session.frame())[1]["surfaces"]
    (x0, x1), (y0, y1) = session.picture.ranges
    place = 5 * 48 + 40  # in the row that is sixth from the top
    x = [x0 + 40.5 / 48 * (x1 - x0), y1 - 5.5 / 48 * (y1 - y0)]
    session.trainer.model.eval()
    output = session.trainer.model(x)
    first = session.trainer.model.layers[0](x).tolist()
    assert surfaces[place * 3 : place * 3 + 3].tolist() == [int(127 * v) for v in first]
    if loss == "cross_entropy":
        expected = (2 * output.softmax() - 1).tolist()[0]
    elif loss == "mse":
        expected = max(-1.0, min(1.0, output.item()))
    else:
        expected = 2 * output.sigmoid().item() - 1
    outputs = session.trainer.model.layers[-1].outputs
    assert surfaces[48 * 48 * 3 + place * outputs] == pytest.approx(127 * expected, abs=1.01)


def test_with_one_feature_there_is_a_curve(session):
    session.change({"data": "sine"})
    sections = unpacked(session.frame())[1]
    (low, high), x = session.picture.ranges[0], 100.5 / 200
    expected = session.trainer.model([low + x * (high - low)]).item()
    assert sections["line"][100] == pytest.approx(expected, abs=1e-5)


def test_axes_have_the_units_of_their_columns(session):
    rows = "".join(f"{1000 + i},{'uv'[i % 2]},{i}\n" for i in range(40))
    session.load(f"size,kind,y\n{rows}".encode(), "x.csv")
    described = session.described()
    assert described["features"] == ["size", "kind=u", "kind=v"]
    sizes = session.problem.preprocessor.columns[0].scaling
    (low, high), names = described["edges"]
    assert names is None
    assert (low - sizes.center) / sizes.scale == pytest.approx(described["ranges"][0][0])
    assert 990 < low < 1003
    assert 1036 < high < 1050


def test_the_score_of_numbers_is_r2_and_the_ends_of_the_colours_have_their_units(session):
    session.change({"data": "friedman", "noise": 0.1})
    session.advance(30)
    test, target = session.trainer.test, session.problem.preprocessor.target_column
    expected = metrics.r2(bg.predict(session.trainer.model, test.x), test.y)
    assert header(session)["score"][1] == pytest.approx(expected, abs=1e-5)
    values = [v * target.scale + target.mean for v in session.trainer.training.y.array.data]
    low, high = session.described()["ends"]
    assert min(abs(low - min(values)), abs(high - max(values))) < 1e-4
    assert (low + high) / 2 == pytest.approx(target.mean)


def test_the_losses_shown_are_those_of_training_and_test(session):
    session.advance(20)
    trainer = session.trainer
    trainer.model.eval()
    for shown, part in zip(header(session)["loss"], (trainer.training, trainer.test), strict=True):
        expected = bg.losses.binary_cross_entropy(trainer.model(part.x), part.y).item()
        assert shown == pytest.approx(expected, rel=1e-5)


def test_a_long_curve_is_thinned(session, monkeypatch):
    monkeypatch.setattr("baregrad.play.session.MOST_LOSSES", 10)
    for _ in range(30):
        session.advance(1)
        losses = unpacked(session.frame())[1]["losses"]
    steps = losses[::3].tolist()
    assert steps[0] == 1
    assert steps[-1] == 30
    assert steps == sorted(steps)
    assert len(steps) <= 11


def test_another_learning_rate_goes_on_and_other_settings_begin_again(session):
    session.advance(10)
    session.do({"do": "change", "settings": {"lr": 0.5}})
    assert (session.trainer.step, session.trainer.rate) == (10, 0.5)
    plan = session.plan
    session.do({"do": "change", "settings": {"lr": 0.5}})
    assert session.plan == plan
    session.do({"do": "change", "settings": {"batch": 4}})
    assert session.trainer.step == 0


@pytest.mark.parametrize(
    "given",
    [
        {"loss": "huber"},
        {"axes": [0, 2]},
        {"axes": [1, 1]},
        {"data": "csv"},
        {"data": "drawn"},
        {"lr": -1},
    ],
)
def test_settings_that_cannot_be_change_nothing(session, given):
    session.advance(3)
    settings, trainer, problem = session.settings, session.trainer, session.problem
    with pytest.raises(BaregradError):
        session.do({"do": "change", "settings": given})
    assert (session.settings, session.trainer, session.problem) == (settings, trainer, problem)
    assert session.trainer.step == 3


@pytest.mark.parametrize(
    "command",
    [
        *({}, {"do": "fly"}, {"do": ["x"]}, {"do": "goto"}, {"do": "goto", "step": True}),
        *({"do": "change"}, {"do": "speed", "speed": -1}, {"do": "backward", "sample": 99}),
    ],
)
def test_commands_that_make_no_sense_are_refused(session, command):
    with pytest.raises(ArgumentError):
        session.do(command)


def test_a_loss_that_is_not_finite_is_said_and_training_stops(session):
    session.change({"loss": "mse", "optimizer": "sgd", "lr": 1000.0, "activations": ["identity"]})
    session.play()
    session.advance(1000)
    shown = header(session)
    assert not shown["playing"]
    assert "no longer finite" in shown["message"]
    session.do({"do": "goto", "step": 0})
    assert header(session)["message"] == ""


def test_a_table_is_learned_from(session):
    found = session.load(TABLE, "x.csv")
    assert found == {"columns": ["a", "<b>&", "y"], "rows": 30}
    described = session.described()
    assert (described["features"], described["target"]) == (["a", "<b>&"], "y")
    assert described["file"] == "x.csv"
    session.change({"target": "a"})
    assert session.described()["features"] == ["<b>&", "y"]


def test_a_file_that_is_no_table_changes_nothing(session):
    trainer = session.trainer
    with pytest.raises(DataError):
        session.load(b"", "x.csv")
    assert (session.table, session.trainer) == (None, trainer)


def test_the_description_can_be_json(session):
    for data in ("blobs", "friedman"):
        session.change({"data": data, "loss": None})
        described = json.loads(json.dumps(session.described(), allow_nan=False))
        assert described["sizes"][0] == len(described["features"])
    assert len(described["points"][0][0]) == 3


def test_the_axes_can_be_other_features(session):
    session.change({"data": "friedman", "loss": None})
    session.advance(2)
    session.change({"axes": [3, 2]})
    assert (session.described()["axes"], session.trainer.step) == ([3, 2], 2)


def test_surfaces_follow_a_network_that_was_made_anew(session):
    before = session.frame()
    session.advance(5)
    session.go_to(0)  # which makes the network anew
    assert unpacked(session.frame())[1]["surfaces"] == unpacked(before)[1]["surfaces"]


def test_the_backward_pass_of_a_sample_ends_at_the_parameters(session):
    steps = session.do({"do": "backward", "sample": 2})["backward"]
    names = {sent["name"] for step in steps for sent in step["contributions"]}
    assert {"layers.0.weight", "layers.1.bias"} <= names
    json.dumps(steps, allow_nan=False)


def test_the_graph_is_drawn_once_and_then_has_new_numbers(session):
    pytest.importorskip("pygraphviz")
    first = session.do({"do": "graph", "plan": None})["graph"]
    again = session.do({"do": "graph", "plan": first["plan"]})["graph"]
    assert "svg" not in again
    assert again["values"] == first["values"]
    session.advance(1)
    later = session.do({"do": "graph", "plan": first["plan"]})["graph"]
    assert later["values"] != first["values"]
    assert later["values"].keys() == first["values"].keys()
    for place in first["values"]:
        assert f'data-v="{place}"' in first["svg"]
    assert len(first["gradients"]) >= 4


def test_without_graphviz_the_graph_has_a_note(session, monkeypatch):
    def missing(*arguments):
        raise bg.MissingExtraError("no Graphviz")

    monkeypatch.setattr("baregrad.play.anatomy.drawn", missing)
    assert session.do({"do": "graph"})["graph"]["note"] == "no Graphviz"
