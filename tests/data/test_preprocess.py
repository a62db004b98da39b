import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.data.columns import CategoryColumn, NumberColumn
from baregrad.data.preprocess import Preprocessor
from baregrad.data.scaling import Scaling
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DataError, ModelFileError, ShapeError

F32 = 1e-6  # relative, float32 rounding


def prices(**columns):
    """A table to regress the price in; given columns are added or replaced."""
    given = {"size": [1, 2, 3, 6], "colour": ["r", "g", "r", "b"], "price": [1.5, 2.5, 3, 8]}
    return Table(given | columns, "prices.csv", [2, 3, 4, 5])


def features(preprocessor, table):
    """Each feature of a table by name."""
    rows = preprocessor.transform(table).tolist()
    return dict(zip(preprocessor.feature_names, map(list, zip(*rows, strict=True)), strict=True))


# --- features ---------------------------------------------------------------------------------


@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=20).filter(lambda v: len(set(v)) > 1)
)
def test_numbers_are_standardised(values):
    table = Table({"v": values, "y": range(len(values))})
    found = features(Preprocessor.fit(table, "y", "regression"), table)["v"]
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    assert found == pytest.approx([(v - mean) / deviation for v in values], rel=F32, abs=F32)


def test_categories_become_one_feature_each():
    found = features(Preprocessor.fit(prices(), "price"), prices())
    assert list(found) == ["size", "colour=b", "colour=g", "colour=r"]
    assert found["colour=r"] == [1, 0, 1, 0]
    assert found["colour=g"] == [0, 1, 0, 0]
    assert found["colour=b"] == [0, 0, 0, 1]


@pytest.mark.parametrize("sold", [[True, False, False, True], ["yes", "no", "No", "YES"]])
def test_booleans_are_one_feature(sold):
    table = prices(sold=sold)
    found = features(Preprocessor.fit(table, "price"), table)
    assert found["sold"] == [1, -1, -1, 1]  # standardised
    assert len(found) == 5


def test_a_missing_number_is_the_mean_and_has_an_indicator():
    table = prices(size=[1, None, 3, "?"])
    found = features(Preprocessor.fit(table, "price"), table)
    assert found["size"] == [-1, 0, 1, 0]
    assert found["size missing"] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("missing", "rows", "indicator"),
    [(1, 99, True), (1, 100, False), (9, 900, False), (9, 899, True), (10, 2000, True)],
)
def test_few_missing_numbers_have_no_indicator(missing, rows, indicator):
    sizes = [None] * missing + list(range(rows - missing))
    table = Table({"size": sizes, "price": list(range(rows))})
    preprocessor = Preprocessor.fit(table, "price")
    assert preprocessor.feature_names == ["size", "size missing"][: 1 + indicator]
    assert preprocessor.transform(table)[0, 0].item() == 0


def test_a_number_missing_in_prediction_alone_is_the_mean():
    found = features(Preprocessor.fit(prices(), "price"), prices(size=[None, 2, 3, 6]))
    assert found["size"][0] == 0
    assert "size missing" not in found


def test_missing_is_a_category_of_its_own():
    table = prices(colour=["r", None, "NA", "b"])
    found = features(Preprocessor.fit(table, "price"), table)
    assert found["colour missing"] == [0, 1, 1, 0]
    assert found["colour=b"] == [0, 0, 0, 1]


@pytest.mark.parametrize("cell", ["violet", None])
def test_a_category_not_seen_in_training_gives_zeros(cell):
    preprocessor = Preprocessor.fit(prices(), "price")
    found = features(preprocessor, prices(colour=[cell, "g", "r", "b"]))
    assert [found[f"colour={c}"][0] for c in "bgr"] == [0, 0, 0]


def test_nothing_is_learned_from_other_rows():
    table = prices()
    preprocessor = Preprocessor.fit(table.take([0, 1, 2]), "price")
    assert preprocessor.columns == [
        NumberColumn("size", "number", Scaling("standard", 2.0, math.sqrt(2 / 3)), False),
        CategoryColumn("colour", ("g", "r")),
    ]


@pytest.mark.parametrize("value", [0.1, 7, -1e300, True, "red"])
def test_a_constant_column_is_left_out_with_a_word(value):
    preprocessor = Preprocessor.fit(prices(constant=[value] * 4), "price")
    assert preprocessor.dropped == {"constant": "its value is the same in all rows"}


def test_a_constant_column_with_missing_values_says_where_they_are():
    table = prices(size=[7, None, 7, 7])
    found = features(Preprocessor.fit(table, "price"), table)
    assert (found["size"], found["size missing"]) == ([0, 0, 0, 0], [0, 1, 0, 0])


@pytest.mark.parametrize("value", [7, "red", True, "2024-01-01"])
@pytest.mark.parametrize(("missing", "kept"), [(9, False), (10, True)])
def test_a_constant_column_is_kept_for_its_blanks_if_they_are_not_few(value, missing, kept):
    rows = 2000
    column = [None] * missing + [value] * (rows - missing)
    table = Table({"same": column, "x": range(rows), "price": [i * 0.5 for i in range(rows)]})
    found = Preprocessor.fit(table, "price")
    assert ("same missing" in found.feature_names) == kept
    reason = "its value is the same in all rows that have one"
    assert found.dropped == ({} if kept else {"same": reason})


def test_a_column_of_given_kind_without_values_is_left_out():
    columns = {"empty": [None] * 4, "size": [1, 2, 3, 4], "price": [1.5, 2, 3, 8]}
    found = Preprocessor.fit(Table(columns, kinds={"empty": "category"}), "price")
    assert found.dropped == {"empty": "it has no values"}


def test_a_column_of_given_kind_is_kept():
    columns = {"passenger_id": range(20), "same": [1] * 20, "y": [i * 0.5 for i in range(20)]}
    found = Preprocessor.fit(Table(columns, kinds={"same": "number"}), "y")
    assert found.feature_names == ["same"]
    found = Preprocessor.fit(Table(columns, kinds={"passenger_id": "number"}), "y")
    assert found.feature_names == ["passenger_id"]


@pytest.mark.parametrize("name", ["id", "ID", "PassengerId", "row-id", "user_id", "index", "uuid"])
def test_numbers_that_only_identify_rows_are_left_out_with_the_reason(name):
    table = Table({name: range(10), "x": range(10), "y": [i * 0.5 for i in range(10)]})
    preprocessor = Preprocessor.fit(table, "y")
    assert preprocessor.feature_names == ["x"]
    assert "it only identifies rows" in preprocessor.dropped[name]


@pytest.mark.parametrize("name", ["humid", "width", "idle", "Covid"])
def test_other_names_do_not_look_like_identifiers(name):
    table = Table({name: range(10), "y": [i * 0.5 for i in range(10)]})
    assert Preprocessor.fit(table, "y").feature_names == [name]


def test_values_whose_variance_underflows_stay_finite():
    table = prices(size=[0, 1e-200, 0, 0])
    assert features(Preprocessor.fit(table, "price"), table)["size"] == [0, 0, 0, 0]


def test_a_predict_table_needs_no_target_and_may_have_more_columns_in_any_order():
    preprocessor = Preprocessor.fit(prices(), "price")
    other = Table({"extra": [0], "colour": ["g"], "size": [3]})
    assert features(preprocessor, other) == {
        "size": [0], "colour=b": [0], "colour=g": [1], "colour=r": [0],
    }  # fmt: skip


def test_text_with_commas_is_a_category():
    table = prices(colour=["1,5", "red, dark", "1,5", "2"])
    assert Preprocessor.fit(table, "price").feature_names[1:] == [
        "colour=1,5", "colour=2", "colour=red, dark",
    ]  # fmt: skip


def test_columns_can_be_ignored():
    assert Preprocessor.fit(prices(), "price", ignore=["colour"]).feature_names == ["size"]


def many(count, distinct):
    return Table({"n": range(count), "text": [f"t{i % distinct}" for i in range(count)],
                  "y": [i * 0.5 for i in range(count)]})  # fmt: skip


def test_identifiers_and_free_text_are_left_out_with_the_reason():
    preprocessor = Preprocessor.fit(many(100, 51), "y")
    assert preprocessor.feature_names == ["n"]
    assert preprocessor.dropped == {"text": "it has 51 different texts in 100 rows: no categories"}
    assert "left out 'text': it has 51 different texts" in preprocessor.describe()


@pytest.mark.parametrize(("count", "distinct"), [(100, 50), (102, 51)])
def test_fewer_or_repeated_texts_are_categories(count, distinct):
    assert Preprocessor.fit(many(count, distinct), "y").inputs == 1 + distinct


def test_a_column_without_values_is_left_out():
    assert Preprocessor.fit(prices(size=[None] * 4), "price").dropped == {
        "size": "it has no values"
    }


# --- targets ----------------------------------------------------------------------------------


def test_a_target_to_regress_on_is_standardised_and_predictions_are_in_its_units():
    preprocessor = Preprocessor.fit(prices(), "price")
    y = preprocessor.target(prices())
    values = [1.5, 2.5, 3, 8]
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    assert (y.shape, y.dtype) == ((4, 1), "float32")
    assert y.reshape(4).tolist() == pytest.approx([(v - mean) / deviation for v in values], rel=F32)
    assert preprocessor.predictions(y) == pytest.approx(values, rel=F32)
    assert (preprocessor.task, preprocessor.outputs, preprocessor.classes) == ("regression", 1, ())


def test_a_target_of_classes_is_numbered_in_their_order():
    preprocessor = Preprocessor.fit(prices(), "colour")
    y = preprocessor.target(prices())
    assert (y.tolist(), y.dtype) == ([2, 1, 2, 0], "int64")
    assert preprocessor.classes == ("b", "g", "r")
    assert preprocessor.outputs == 3
    assert preprocessor.describe().startswith("classification of 'colour', classes b, g, r\n2 feat")


def test_classes_that_are_numbers_are_in_numeric_order_however_they_are_written():
    table = prices(price=["10", "2.0", "2", "10.0"])
    preprocessor = Preprocessor.fit(table, "price", "classification")
    assert preprocessor.classes == ("2", "10")
    assert preprocessor.target(table).tolist() == [1, 0, 0, 1]
    assert Preprocessor.fit(
        prices(price=["b", "0.5", "inf", "2"]), "price"
    ).classes == ("0.5", "2", "inf", "b")  # fmt: skip


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 2, "classification"),
        ([True, False] * 2, "classification"),
        ([0, 1] * 2, "classification"),
        ([0, 1, 2, 3], "regression"),
        ([0, 1, 2] * 10, "classification"),
        ([*[0, 1, 2] * 9, 0, 1], "regression"),
        (list(range(20)) * 10, "classification"),
        (list(range(21)) * 10, "regression"),
        ([0.5, 1] * 20, "regression"),
    ],
)
def test_the_task_follows_from_the_target(values, task):
    table = Table({"x": range(len(values)), "y": values})
    assert Preprocessor.fit(table, "y").task == task


def test_the_task_can_be_chosen():
    table = prices(price=[0, 1, 0, 1])
    assert Preprocessor.fit(table, "price", "regression").task == "regression"
    with pytest.raises(ArgumentError, match=r"unknown task 'regresion'; did you mean"):
        Preprocessor.fit(table, "price", "regresion")


def test_the_largest_score_is_the_class_and_softmax_its_probability():
    preprocessor = Preprocessor.fit(prices(), "colour")
    scores = bg.Tensor([[0.0, 1.0, 0.0], [3.0, 0.0, 0.0], [2.0, 2.0, 0.0]])
    assert preprocessor.predictions(scores) == ["g", "b", "b"]
    total = 2 + math.e
    expected = [1 / total, math.e / total, 1 / total]
    assert preprocessor.probabilities(scores)[0] == pytest.approx(expected, rel=1e-12)


def test_one_logit_tells_two_classes_apart():
    preprocessor = Preprocessor.fit(prices(colour=["no", "yes"] * 2), "colour")
    logits = bg.Tensor([[-1.0], [2.0]])
    assert preprocessor.predictions(logits) == ["no", "yes"]
    p = 1 / (1 + math.exp(-2))
    assert preprocessor.probabilities(logits)[1] == pytest.approx([1 - p, p], rel=1e-12)


# --- dates, scalings and embeddings -----------------------------------------------------------


DAYS = ["1970-01-01", "1970-07-02 12:00", None, "1971-01-01"]


def test_dates_become_days_and_angles():
    table = prices(day=DAYS)
    preprocessor = Preprocessor.fit(table, "price")
    found = features(preprocessor, table)
    days = [0, 182.5, 365]
    mean, deviation = statistics.fmean(days), statistics.pstdev(days)
    assert [found["day"][i] for i in (0, 1, 3)] == pytest.approx(
        [(d - mean) / deviation for d in days], abs=F32
    )
    angles = [math.tau * d / 365.2425 for d in days]
    assert [found["day sin of year"][i] for i in (0, 1, 3)] == pytest.approx(
        list(map(math.sin, angles)), abs=F32
    )
    assert found["day cos of week"][1] == pytest.approx(math.cos(math.tau * 182.5 / 7), abs=F32)
    assert found["day missing"] == [0, 0, 1, 0]
    assert [found[name][2] for name in found if name.startswith("day ")] == [0, 0, 0, 0, 1]
    assert preprocessor.kinds == {"size": "number", "colour": "category", "day": "date"}


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
@pytest.mark.parametrize("categories", ["one-hot", "embedding"])
def test_every_way_goes_through_json_and_back(scaling, categories):
    table = prices(day=DAYS, sold=[True, None, False, True])
    preprocessor = Preprocessor.fit(table, "price", scaling=scaling, categories=categories)
    again = Preprocessor.from_state(json.loads(json.dumps(preprocessor.state())))
    assert again.columns == preprocessor.columns
    assert again.kinds == preprocessor.kinds
    assert again.embeddings == preprocessor.embeddings
    assert again.transform(table).tolist() == preprocessor.transform(table).tolist()


def test_categories_can_be_numbered_for_an_embedding():
    table = prices(colour=["r", "g", None, "b"])
    preprocessor = Preprocessor.fit(table, "price", categories="embedding")
    found = features(preprocessor, prices(colour=["b", "violet", None, "r"]))
    assert found["colour code"] == [1, 0, 4, 3]
    assert preprocessor.embeddings == {1: 5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scaling": "robots"}, "unknown scaling 'robots'; did you mean 'robust'"),
        ({"categories": "onehot"}, "unknown encoding of categories 'onehot'; did you mean"),
    ],
)
def test_an_unknown_way_is_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Preprocessor.fit(prices(), "price", **arguments)


def test_a_column_of_given_kind_may_have_commas_and_many_texts():
    table = Table(
        {"zip": [f"1,{i}" for i in range(60)], "y": [i / 2 for i in range(60)]},
        kinds={"zip": "category"},
    )
    assert Preprocessor.fit(table, "y").inputs == 60


# --- saving and loading -----------------------------------------------------------------------


@pytest.mark.parametrize("target", ["price", "colour"])
def test_the_state_goes_through_json_and_back(target):
    table = prices(size=[1, None, 3, 4], origin=["x", "y", None, "x"], empty=[None] * 4)
    preprocessor = Preprocessor.fit(table, target)
    again = Preprocessor.from_state(json.loads(json.dumps(preprocessor.state())))
    assert again.columns == preprocessor.columns
    assert again.target_column == preprocessor.target_column
    assert again.dropped == preprocessor.dropped
    assert again.transform(table).tolist() == preprocessor.transform(table).tolist()


def number_state(kind="number", name="x", **changes):
    scaling = {"name": "standard", "center": 0, "scale": 1, "points": []} | changes
    return {"kind": kind, "name": name, "scaling": scaling, "indicator": False}


CLASSES = {"name": "y", "classes": ["a", "b"]}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"columns": [], "target": CLASSES},
        {"columns": 3, "target": CLASSES, "dropped": {}},
        {"columns": [3], "target": CLASSES, "dropped": {}},
        {"columns": [], "target": CLASSES, "dropped": [1]},
        {"columns": [], "target": CLASSES, "dropped": {"x": 1}},
        {"columns": [], "target": [], "dropped": {}},
        *(
            {"columns": [column], "target": CLASSES, "dropped": {}}
            for column in (
                number_state(name=1),
                number_state(kind="text"),
                number_state(center="0"),
                number_state(center=math.nan),
                number_state(center=10**400),
                number_state(scale=0),
                {"kind": "number", "name": "x", "scaling": {}, "indicator": False},
                {"kind": "category", "name": "x", "categories": [1]},
            )
        ),
        *(
            {"columns": [], "target": target, "dropped": {}}
            for target in (
                {"name": "y", "classes": ["a"]},
                {"name": "y", "classes": ["a", "a"]},
                {"name": "y", "classes": [1, 2]},
                {"name": "y", "mean": 0.0, "scale": -1.0},
            )
        ),
    ],
)
def test_a_damaged_state_is_refused(state):
    with pytest.raises(ModelFileError, match="the state of the preprocessor is damaged"):
        Preprocessor.from_state(state)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        ({"colour": ["r"] * 4}, "colour", "target 'colour' is the same in all 4 rows"),
        ({"price": [3.5] * 4}, "price", "target 'price' is the same in all 4 rows"),
        (
            {"price": [1, None, 2.5, "NA"]},
            "price",
            r"'price' is missing in 2 of 4 rows \(prices.csv, line 3; prices.csv, line 5\); leave "
            r"them out with table.drop_missing\('price'\)",
        ),
        ({"size": [1, 2, "inf", 3]}, "price", "line 4, column 'size': 'inf' is not a finite numb"),
        ({"price": [1, 2, "inf", 3]}, "price", "line 4, column 'price': 'inf' is not a finite"),
        ({"size": ["2", "1,5", "3", None]}, "price", "line 3, column 'size': '1,5' looks like a"),
        ({"price": ["2", "1,500.5", "3", "4"]}, "price", "'1,500.5' looks like a number; write"),
        ({"size": [1e200, 0, 0, 0]}, "price", "column 'size' has numbers too large to square"),
        ({"size": [1.7e308, -1.7e308, 0, 0]}, "price", "column 'size' has numbers too large"),
        (
            {"size": [None] * 4, "colour": [None] * 4},
            "price",
            "beside the target 'price' there is no column to learn from; 'size': it has no values",
        ),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(columns, target, message):
    with pytest.raises(DataError, match=message):
        Preprocessor.fit(prices(**columns), target)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1 500", "2 000", "150"], "'1 500' looks like a number; write numbers as in 1500.25"),
        (["$5", "7", "€8.50"], "'\\$5' looks like a number"),
        (["12%", "7", "?"], "'12%' looks like a number"),
        (["31/12/2024", "1/2/2025 10:00", None], "'31/12/2024' looks like a date; write dates as"),
        ([*range(18), "many", "few"], "'many' is no number, while 18 of 20 different texts are"),
        ([f"2024-01-{i:02}" for i in range(1, 20)] + ["June"], "'June' is no date, while 19 of 20"),
    ],
)
def test_numbers_and_dates_are_not_taken_for_categories(cells, message):
    columns = {"a": cells, "y": list(range(len(cells)))}
    with pytest.raises(DataError, match=f"column 'a': {message}.*of categories: kinds={{'a'"):
        Preprocessor.fit(Table(columns), "y")
    categories = Preprocessor.fit(Table(columns, kinds={"a": "category"}), "y")
    assert categories.kinds == {"a": "category"}


@pytest.mark.parametrize(
    "cells",
    [["1", "2", "3", "4+"], [*range(17), "a", "b", "c"], ["3/4", "1/2"], ["1 50", "2 000"], ["%"]],
)
def test_text_with_some_numbers_in_it_is_of_categories(cells):
    columns = {"a": [*cells, "x"], "y": list(range(len(cells) + 1))}
    assert Preprocessor.fit(Table(columns), "y").kinds == {"a": "category"}


def test_dashes_stand_for_missing_among_numbers_and_dates_alone():
    columns = {
        "count": ["-", "1", "2", "."], "when": ["2024-01-01", "--", "2024-01-03", "2024-02-01"],
        "sign": ["-", "+", "-", "+"], "y": ["1.5", "2.5", "3.5", "-"],
    }  # fmt: skip
    table = Table(columns)
    assert table.missing_rows("y") == [3]
    assert table.missing_rows("when") == [1]
    assert table.missing_rows("sign") == []
    preprocessor = Preprocessor.fit(table.drop_missing("y"), "y")
    assert preprocessor.kinds == {"count": "number", "when": "date", "sign": "category"}
    assert preprocessor.columns[2].categories == ("+", "-")
    row = Table({"count": ["3"], "when": ["-"], "sign": ["-"]})
    assert preprocessor.transform(row).tolist()[0][-2:] == [0.0, 1.0]  # not +, but -
    assert row.kind("sign") == "category"


def test_many_missing_targets_are_not_all_listed():
    table = Table({"x": range(9), "y": [1.5, *[None] * 8]})
    with pytest.raises(DataError, match=r"in 8 of 9 rows \(the table, row 1; .* row 5; \.\.\.\)"):
        Preprocessor.fit(table, "y")


def test_text_cannot_be_regressed_on():
    with pytest.raises(DataError, match="line 2, column 'colour': 'r' is not a finite number"):
        Preprocessor.fit(prices(), "colour", "regression")


@pytest.mark.parametrize("method", [Preprocessor.transform, Preprocessor.target])
def test_a_table_without_rows_is_refused(method):
    empty = prices().take([])
    with pytest.raises(DataError, match=r"prices.csv has no rows"):
        Preprocessor.fit(empty, "price")
    with pytest.raises(DataError, match=r"prices.csv has no rows"):
        method(Preprocessor.fit(prices(), "price"), empty)


def test_unknown_columns_are_named_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"unknown column of prices.csv 'prize'; did you mean"):
        Preprocessor.fit(prices(), "prize")
    with pytest.raises(ArgumentError, match=r"unknown column of prices.csv 'color'"):
        Preprocessor.fit(prices(), "price", ignore=["color"])


def test_a_predict_table_that_lacks_columns_is_refused():
    preprocessor = Preprocessor.fit(prices(), "price")
    with pytest.raises(DataError, match=r"new.csv lacks 'colour', which.* not know 'color'$"):
        preprocessor.transform(Table({"size": [1], "color": ["r"], "price": [1]}, "new.csv"))
    with pytest.raises(DataError, match=r"new.csv lacks 'colour', which.*; no column is new to it"):
        preprocessor.transform(Table({"size": [1]}, "new.csv"))


def test_numbers_where_categories_were_are_refused_with_the_column():
    preprocessor = Preprocessor.fit(prices(), "price")
    with pytest.raises(DataError, match=r"prices.csv: column 'colour' has numbers, and the model"):
        preprocessor.transform(prices(colour=[1, 2, 3, 4]))
    assert preprocessor.transform(prices(colour=[None] * 4)).shape == (4, 4)


@pytest.mark.parametrize(
    ("cells", "cell", "message"),
    [
        (["yes", "no", "no", "yes"], "maybe", "'maybe' is neither true nor false"),
        (["yes", "no", "no", "yes"], 2, "'2' is neither true nor false"),
        (["2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01"], "soon", "'soon' is not a date"),
        (["2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01"], 7, "'7' is not a date such as"),
    ],
)
def test_cells_of_another_kind_are_refused_with_their_place(cells, cell, message):
    preprocessor = Preprocessor.fit(prices(when=cells), "price")
    for others in (cells[1:], [None] * 3):
        with pytest.raises(DataError, match=f"line 2, column 'when': {message}"):
            preprocessor.transform(prices(when=[cell, *others]))


def test_text_where_numbers_were_is_refused_with_its_place():
    preprocessor = Preprocessor.fit(prices(), "price")
    with pytest.raises(DataError, match="line 3, column 'size': 'big' is not a finite number"):
        preprocessor.transform(prices(size=[1, "big", 2, 3]))


def test_a_number_beyond_float32_is_refused_with_its_place():
    preprocessor = Preprocessor.fit(prices(), "price")
    message = "line 5, column '{}': 1e[+]100 is too far from the training values"
    with pytest.raises(DataError, match=message.format("size")):
        preprocessor.transform(prices(size=[1, 2, 3, 1e100]))
    with pytest.raises(DataError, match=message.format("price")):
        preprocessor.target(prices(price=[1, 2, 3, 1e100]))


def test_a_class_not_seen_in_training_is_refused_as_target():
    preprocessor = Preprocessor.fit(prices(), "colour")
    with pytest.raises(
        DataError, match=r"line 2, column 'colour': class 'x' was not.*known are b, "
    ):
        preprocessor.target(prices(colour=["x", "g", "r", "b"]))


@pytest.mark.parametrize("shape", [(4,), (4, 2), (4, 1, 1)])
def test_outputs_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match=r"outputs must have shape \(rows, 1\), not"):
        Preprocessor.fit(prices(), "price").predictions(bg.zeros(*shape))
    with pytest.raises(ShapeError, match=r"outputs must have shape \(rows, 3\), not"):
        Preprocessor.fit(prices(), "colour").predictions(bg.zeros(*shape))


def test_outputs_that_are_not_finite_are_refused():
    preprocessor = Preprocessor.fit(prices(), "colour")
    with pytest.raises(DataError, match="output for sample 1 is nan"):
        preprocessor.predictions(bg.Tensor([[0.0, 0, 0], [0, math.nan, 0]]))


def test_a_regression_has_no_probabilities():
    with pytest.raises(ArgumentError, match="'price' is a number: there are no classes"):
        Preprocessor.fit(prices(), "price").probabilities(bg.zeros(4, 1))
