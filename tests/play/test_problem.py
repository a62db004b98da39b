"""What is to be learned: made up, drawn or loaded."""

import pytest

from baregrad.errors import ArgumentError, DataError
from baregrad.play import problem
from baregrad.play.problem import first_problem, problem_of, shortened, table_of
from baregrad.play.settings import Settings

CORNERS = tuple((x + 0.01 * i, y, c) for c, (x, y) in enumerate([(0, 0), (1, 1)]) for i in range(5))


def csv(text):
    return table_of(text.encode(), "t.csv")


def of_csv(text, target):
    return problem_of(Settings(data="csv", target=target), csv(text))


def rows(make, count=20):
    return "".join(f"{make(i)}\n" for i in range(count))


def test_made_up_rows_are_split_and_standardised():
    made = problem_of(Settings(samples=100), None)
    assert (len(made.training), len(made.test)) == (80, 20)
    assert made.training.x.mean(axis=0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert made.losses == ("binary_cross_entropy", "cross_entropy", "mse")


def test_drawn_points_are_classes():
    drawn = problem_of(Settings(data="drawn", points=CORNERS), None)
    assert drawn.preprocessor.classes == ("class 1", "class 2")


def test_too_few_drawn_points_are_refused():
    with pytest.raises(DataError, match="5 points of each class"):
        problem_of(Settings(data="drawn", points=CORNERS[:6]), None)


def test_targets_are_as_their_loss_wants_them():
    two = problem_of(Settings(data="xor", samples=20), None)
    assert set(two.for_loss("binary_cross_entropy")[0].y.flatten().tolist()) == {0.0, 1.0}
    assert set(two.for_loss("mse")[0].y.flatten().tolist()) == {-1.0, 1.0}
    assert two.for_loss("cross_entropy")[1].y.shape == (4,)
    three = problem_of(Settings(data="blobs", samples=30), None)
    assert three.for_loss("mse")[0].y.sum(axis=-1).tolist() == [1.0] * 24
    assert (three.outputs("mse"), two.outputs("mse"), two.outputs("cross_entropy")) == (3, 1, 2)


def test_a_loss_that_does_not_fit_is_refused():
    numbers = problem_of(Settings(data="sine", samples=20), None)
    assert numbers.loss(None) == "mse"
    with pytest.raises(ArgumentError, match="use mse or mae or huber"):
        numbers.loss("cross_entropy")


def test_rows_of_a_table_without_target_are_left_out():
    text = "a,b\n" + rows(lambda i: f"{i},{'' if i == 3 else i * i}")
    found = of_csv(text, "b")
    assert len(found.training) + len(found.test) == 19
    assert found.preprocessor.task == "regression"


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("a,b\n" + rows(lambda i: f"{i},{i}"), "c", "no column 'c' to predict"),
        ("a,k\n" + rows(lambda i: f"{i},k{i % 11}", 88), "k", "at most 10"),
        ("a,k\n" + rows(lambda i: f"{i},k{i % 9}", 20), "k", "too few to keep 20%"),
        ("a,k\n1,x\n2,y\n", "k", "0 rows with a known target that is not the only one of its"),
        ("a,k\n1,2.5\n,\n3,\n", "k", "has 1 row with a known target, too few"),
        (
            ",".join(f"c{i}" for i in range(258))
            + "\n"
            + rows(lambda i: ",".join(str(i * j + j % 3) for j in range(1, 259))),
            "c0",
            "at most 256",
        ),
    ],
)
def test_tables_that_do_not_fit_the_playground_are_refused(text, target, words):
    with pytest.raises((ArgumentError, DataError), match=words):
        of_csv(text, target)


def test_a_table_must_have_been_loaded():
    with pytest.raises(ArgumentError, match="load a CSV file first"):
        problem_of(Settings(data="csv", target="a"), None)


def test_the_only_row_of_a_class_is_left_out():
    found = of_csv("a,k\n" + rows(lambda i: f"{i},{'xy'[i % 2]}") + "7,z\n", "k")
    assert (found.preprocessor.classes, found.single) == (("x", "y"), 1)
    assert len(found.training) + len(found.test) == 20


def test_a_table_of_one_column_is_refused():
    with pytest.raises(DataError, match="one column"):
        shortened(csv("a\n1\n2\n3\n"))


def test_of_a_long_table_rows_are_taken_from_all_over(monkeypatch):
    monkeypatch.setattr(problem, "MOST_ROWS", 4)
    short = shortened(csv("a,b\n" + rows(lambda i: f"{i},{i}", 9)))
    assert list(short.numbers("a", "number")) == [0, 2, 4, 6]
    assert short.notes[-1] == "4 of 9 rows, spread evenly"
    assert len(shortened(csv("a,b\n" + rows(lambda i: f"{i},{i}", 4)))) == 4


def test_the_last_column_that_can_be_predicted_is():
    text = "a,k,name,same\n" + rows(lambda i: f"{i * i % 17},{'uvw'[i % 3]},n{i},1")
    chosen, found = first_problem(Settings(data="csv"), csv(text))
    assert chosen.target == "k"
    assert found.preprocessor.classes == ("u", "v", "w")


def test_where_no_column_can_be_the_reason_is_that_of_the_last():
    with pytest.raises(DataError, match="'b' is the same in all"):
        first_problem(Settings(data="csv"), csv("a,b\n" + rows(lambda i: "1,2")))
