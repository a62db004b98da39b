"""What cannot be learned from, or asked for, and what is said then."""

import pytest

import baregrad as bg
from baregrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=.* epochs are done")
X = [[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 1.0]]
Y = [0.5, 1.0, 2.0, 3.0]
LABELS = ["a", "b", "a", "b"]
QUICK = {"hidden_layer_sizes": (3,), "max_iter": 2}
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], Y, r"Expected 2D array, got 1D array instead.*Reshape your data"),
        ([[]], [1.0], r"0 feature\(s\) \(shape=\(1, 0\)\) while a minimum of 1 is required"),
        ([[1.0], [NAN]], [1.0, 2.0], "X contains NaN in sample 1, column 0"),
        (
            [[1.0, 2.0], [1.0, -INF]],
            [1.0, 2.0],
            r"X contains infinity \(inf\), or .* in sample 1, column 1",
        ),
        (X, [1.0, 2.0, INF, 4.0], "y contains infinity"),
        (X, Y[:3], "X has 4 samples and y has 3"),
        (X, None, "requires y to be passed, but the target y is None"),
        (X, 1.0, r"y must be \(samples,\) or \(samples, outputs\), not \(\)"),
        ([["a"]], [1.0], "not a number"),
        (bg.Table({"a": [1]}), [1.0], r"X is a Table; make numbers of it with Preprocessor.fit"),
    ],
)
def test_data_to_regress_on(x, y, message):
    model = MLPRegressor(**QUICK)
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        model.fit(x, y)
    assert isinstance(caught.value, bg.BaregradError)
    assert not hasattr(model, "model_")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * 4, "the one class"),
        (Y, "Unknown label type: continuous. 0.5 is not a class"),
        (["a", 1, "a", 1], "labels of the types int, str cannot be put in order"),
        ([NAN, 1.0, 0.0, 1.0], "continuous. nan"),
        ([[0, 1], [1, 2], [0, 0], [1, 1]], "a row of zeros and ones"),
        ([[0, 1], [1], [0, 0], [1, 1]], "a row of zeros and ones"),
        ([[0, 1], 1, [0, 0], [1, 1]], "a row of zeros and ones"),
    ],
)
def test_labels(y, message):
    with pytest.raises(bg.DataError, match=message):
        MLPClassifier(**QUICK).fit(X, y)


def test_class_weights_of_what_is_no_class_are_refused():
    with pytest.raises(bg.ArgumentError, match="class_weight has 'A', which is no class, and not "):
        MLPClassifier(**QUICK, class_weight={"A": 2, "b": 1}).fit(X, LABELS)
    more = {"a": 2, "b": 1, "c": 3}  # as where a part of the samples lacks a class
    assert MLPClassifier(**QUICK, class_weight=more).fit(X, LABELS).classes_ == ["a", "b"]


def test_a_class_too_rare_to_be_kept_back_is_said_in_the_estimator_s_words():
    model = MLPClassifier(**QUICK, early_stopping=True, validation_fraction=0.5)
    with pytest.raises(bg.DataError, match=r"early_stopping: validation_fraction=0.5 of 4 sampl"):
        model.fit(X, ["a", "b", "a", "a"])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0, 0, 0, 0], "sample weights must contain a number that is not zero"),
        ([1, 1, 1], "X has 4 samples and sample_weight has 3"),
        ([[1], [1], [1], [1]], r"must be 1D, and have shape \(4, 1\)"),
        ([1, 1, -1, 1], "sample weights must be 0 or more, and the least is -1"),
        ([-1, -1, -1, -1], "sample weights must be 0 or more"),
        ([1, 1, NAN, 1], "sample_weight contains NaN"),
    ],
)
def test_sample_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**QUICK).fit(X, Y, weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rellu"}, "did you mean 'relu'"),
        (
            {"activation": ["relu", "tanh"]},
            "a function for each hidden layer, 1 in all, and lists 2",
        ),
        ({"alpha": -1.0}, "alpha must be a number of at least 0"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"batch_size": "all"}, "batch_size must be an integer of at least 1"),
        ({"beta_1": 1.0}, "betas"),
        ({"dropout": 1.0}, "dropout|probability"),
        ({"dtype": "int64"}, "parameters must be float32 or float64"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "test_size 1.5"),
        ({"hidden_layer_sizes": (3, 0)}, "layer 1 must be an integer of at least 1"),
        ({"hidden_layer_sizes": 2.5}, "layer 0 must be an integer"),
        ({"learning_rate": "fast"}, "unknown learning_rate 'fast'"),
        ({"learning_rate_init": -1.0}, "lr must be"),
        ({"loss": "squared"}, "did you mean 'squared_error'"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"momentum": 1.0, "solver": "sgd"}, "momentum"),
        ({"norm": "group"}, "unknown norm 'group'"),
        ({"random_state": -1}, "random_state must be None, an integer from 0 on"),
        ({"random_state": "seed"}, "random_state must be None, an integer from 0 on"),
        ({"solver": "adm"}, "did you mean 'adam'"),
    ],
)
def test_parameters_are_looked_at_by_fit(options, message):
    model = MLPRegressor(**QUICK | options)
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        model.fit(X, Y)
    assert isinstance(caught.value, bg.BaregradError)
    assert not hasattr(model, "model_")
    with pytest.raises(bg.NotFittedError):
        model.predict(X)


@pytest.mark.parametrize("class_weight", ["even", 3, ["a"]])
def test_class_weights_of_another_form(class_weight):
    with pytest.raises(bg.ArgumentError, match="class_weight must be a dict, 'balanced' or None"):
        MLPClassifier(**QUICK, class_weight=class_weight).fit(X, LABELS)


def test_class_weights_need_one_label_for_each_sample():
    with pytest.raises(bg.ArgumentError, match="class_weight needs one label"):
        MLPClassifier(**QUICK, class_weight="balanced").fit(X, [[0, 1], [1, 0], [1, 1], [0, 0]])


def test_other_columns_than_those_of_fit():
    model = MLPRegressor(**QUICK).fit(X, Y)
    message = "X has 1 features, but MLPRegressor is expecting 2 features as input"
    with pytest.raises(bg.DataError, match=message):
        model.predict([[1.0]])
    with pytest.raises(bg.DataError, match="X contains NaN in sample 0, column 1"):
        model.predict([[1.0, NAN]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X,), r"validation_data must be \(X, y\) or \(X, y, sample_weight\)"),
        (X, r"validation_data must be \(X, y\)"),
        (7, r"validation_data must be \(X, y\)"),
        ((X, Y[:3]), "X has 4 samples and y has 3"),
        (([[1.0]], [1.0]), "X has 1 features, but MLPRegressor is expecting 2"),
        ((X, [[v, v] for v in Y]), "y has 2 outputs, and had 1 before"),
    ],
)
def test_validation_data_that_do_not_fit(data, message):
    model = MLPRegressor(**QUICK)
    with pytest.raises(bg.BaregradError, match=message):
        model.fit(X, Y, validation_data=data)
    assert not hasattr(model, "model_")  # it is not fitted


def test_validation_data_with_classes_that_are_not_trained_on():
    with pytest.raises(bg.DataError, match="not among the classes: c"):
        MLPClassifier(**QUICK).fit(X, LABELS, validation_data=(X, ["a", "b", "c", "a"]))


class Frame(list):
    """A table whose columns have names."""

    def __init__(self, rows, columns):
        super().__init__(rows)
        self.columns = columns


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["b", "a"], "Feature names must be in the same order as they were in fit"),
        (
            ["a", "c"],
            "unseen at fit time:\n- c\nFeature names seen at fit time, yet now missing:\n- b",
        ),
    ],
)
def test_other_names_than_those_of_fit(names, message):
    model = MLPRegressor(**QUICK).fit(Frame(X, ["a", "b"]), Y)
    assert model.feature_names_in_ == ["a", "b"]
    with pytest.raises(bg.DataError, match=message):
        model.predict(Frame(X, names))


def test_going_on_with_something_else():
    model = MLPRegressor(**QUICK, warm_start=True).fit(X, Y)
    with pytest.raises(bg.ShapeError, match="y has 2 outputs, and had 1 before"):
        model.fit(X, [[v, v] for v in Y])
    model.set_params(hidden_layer_sizes=(4,))
    with pytest.raises(bg.ArgumentError, match="not those of the network"):
        model.fit(X, Y)
    assert hasattr(model, "model_")
    classifier = MLPClassifier(**QUICK, warm_start=True).fit(X, LABELS)
    with pytest.raises(bg.DataError, match="as it had before"):
        classifier.fit(X, [[0, 1], [1, 0], [1, 1], [0, 0]])
    several = MLPClassifier(**QUICK, warm_start=True).fit(X, [[0, 1], [1, 0], [1, 1], [0, 0]])
    with pytest.raises(bg.DataError, match="y has 3 columns; there are 2 classes"):
        several.fit(X, [[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])


def test_partial_fit_without_what_it_needs():
    with pytest.raises(bg.ArgumentError, match="classes must be passed on the first call"):
        MLPClassifier(**QUICK).partial_fit(X, LABELS)
    for options in ({"solver": "lbfgs"}, {"early_stopping": True}):
        with pytest.raises(bg.ArgumentError, match="partial_fit does not support"):
            MLPRegressor(**QUICK, **options).partial_fit(X, Y)


def test_what_diverges_is_not_fitted():
    model = MLPRegressor((), solver="sgd", learning_rate_init=1e30, max_iter=9)
    with pytest.raises(bg.NonFiniteError):
        model.fit(X, Y)
    assert not hasattr(model, "model_")
    for asked in (model.predict, MLPClassifier().predict_proba):
        with pytest.raises(bg.NotFittedError, match="is not fitted yet"):
            asked(X)
