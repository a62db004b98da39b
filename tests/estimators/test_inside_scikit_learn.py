"""The estimators inside the tools of NumPy, pandas, SciPy and scikit-learn."""

import re
from pathlib import Path

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn", minversion="1.6")

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import baregrad as bg
from baregrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK = {
    "hidden_layer_sizes": (6,),
    "learning_rate": "constant",
    "learning_rate_init": 0.05,
    "max_iter": 20,
    "dropout": 0.0,
    "random_state": 0,
}
IRIS = load_iris(as_frame=True)
NAMES = IRIS.target_names[IRIS.target]


def test_a_pipeline_in_a_search_in_a_cross_validation():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    grid = {"mlpclassifier__dropout": [0.0, 0.9], "mlpclassifier__max_iter": np.array([20])}
    search = GridSearchCV(pipeline, grid, cv=2).fit(IRIS.data, NAMES)
    assert search.best_score_ > 0.85
    assert cross_val_score(search.best_estimator_, IRIS.data, NAMES, cv=2).mean() > 0.85
    assert "MLPClassifier" in search.best_estimator_._repr_html_()


def test_estimators_say_what_they_are_and_are_cloned():
    assert is_classifier(MLPClassifier())
    assert is_regressor(MLPRegressor())
    model = MLPClassifier(**QUICK).fit(IRIS.data, NAMES)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "classes_")
    assert not hasattr(copy, "coefs_")


def test_ensembles_take_them():
    vote = VotingClassifier(
        [("mlp", MLPClassifier(**QUICK)), ("line", LogisticRegression())], voting="soft"
    )
    assert vote.fit(StandardScaler().fit_transform(IRIS.data), NAMES).transform is not None
    bag = BaggingRegressor(MLPRegressor(**QUICK), n_estimators=2, random_state=0)
    assert bag.fit(IRIS.data, IRIS.target).score(IRIS.data, IRIS.target) > 0.5


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["x", "y", "x"], "X has text in sample 0, column 'b': could not convert .* OneHotEncoder"),
        (pd.Categorical(["x", "y", "x"]), "X has text in sample 0, column 'b'"),
        ([1, None, 3], "X contains NaN in sample 1, column 'b'"),
        ([1, 2, 1e60], "infinity .inf., or a number too large for float32, in sample 2"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_cells_of_a_data_frame_that_are_no_numbers_are_named(cells, message):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": cells})
    with pytest.raises(bg.DataError, match=message):
        MLPRegressor(**QUICK).fit(frame, [1, 2, 3])


def test_text_and_dates_are_no_numbers():
    dates = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=3)})
    with pytest.raises(
        bg.DataError, match=r"X has dates or times \(datetime64\[.*\]\); make numbers"
    ):
        MLPRegressor(**QUICK).fit(dates, [1, 2, 3])
    with pytest.raises(bg.DataError, match=r"y has text in sample 0: .*; for classes there is MLP"):
        MLPRegressor(**QUICK).fit([[1], [2]], np.array(["a", "b"]))
    with pytest.raises(bg.DataError, match="y has dates or times"):
        MLPRegressor(**QUICK).fit([[1], [2], [3]], dates["when"])


def test_labels_and_numbers_come_back_as_arrays_of_their_kind():
    model = MLPClassifier(**QUICK).fit(IRIS.data, NAMES)
    assert model.predict(IRIS.data).dtype == NAMES.dtype
    assert model.classes_.tolist() == sorted(set(NAMES))
    assert model.feature_names_in_.tolist() == list(IRIS.data.columns)
    assert model.predict_proba(IRIS.data).dtype == np.float64
    assert model.coefs_[0].shape == (4, 6)
    assert model.coefs_[0].flags.writeable
    small = MLPClassifier(**QUICK).fit(IRIS.data, IRIS.target.astype("int8"))
    assert small.predict(IRIS.data).dtype == np.int8


def test_an_estimator_of_lists_gives_arrays_to_those_who_give_arrays():
    rows = IRIS.data.to_numpy()
    model = MLPClassifier(**QUICK).fit(rows.tolist(), NAMES.tolist())
    assert isinstance(model.predict(rows), np.ndarray)
    assert model.predict(rows).tolist() == model.predict(rows.tolist())


def test_sparse_matrices_text_columns_and_boolean_frames_are_numbers():
    table = pd.DataFrame({"x": [0.5, 1.5, 2.5, 3.5] * 5, "kind": ["a", "b", "a", "c"] * 5})
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    columns.sparse_threshold = 1.0
    y = table["x"] * 2
    model = make_pipeline(columns, MLPRegressor(**QUICK)).fit(table, y)
    assert sparse.issparse(columns.fit_transform(table))
    assert model.predict(table).shape == (20,)
    by_array = MLPRegressor(**QUICK).fit(sparse.csr_array(np.eye(20)), y)
    np.testing.assert_array_equal(
        by_array.predict(np.eye(20)), MLPRegressor(**QUICK).fit(np.eye(20), y).predict(np.eye(20))
    )
    truths = pd.get_dummies(table["kind"])
    assert MLPRegressor(**QUICK).fit(truths, y).n_features_in_ == 3


@pytest.mark.parametrize(
    "data",
    [
        np.asfortranarray(IRIS.data),
        IRIS.data.to_numpy().astype(">f8"),
        IRIS.data.to_numpy().astype(object),
        np.repeat(IRIS.data.to_numpy(), 2, axis=0)[::2],
        IRIS.data.to_numpy().astype(np.longdouble),
    ],
    ids=["columns first", "big-endian", "objects", "strided", "long"],
)
def test_arrays_may_lie_in_memory_in_any_way(data):
    expected = MLPRegressor(**QUICK).fit(IRIS.data.to_numpy(), IRIS.target)
    model = MLPRegressor(**QUICK).fit(data, IRIS.target)
    np.testing.assert_array_equal(model.predict(data), expected.predict(IRIS.data.to_numpy()))


@pytest.mark.parametrize(
    "state", [np.int64(3), np.random.RandomState(0), np.random.default_rng(0)], ids=type
)
def test_random_states_of_numpy_are_seeds(state):
    options = QUICK | {"random_state": state}
    assert MLPRegressor(**options).fit(IRIS.data, IRIS.target).n_iter_ > 0


def test_warnings_and_errors_are_scikit_learns():
    with pytest.raises(NotFittedError, match="call fit first") as caught:
        MLPRegressor().predict([[1.0]])
    assert isinstance(caught.value, bg.NotFittedError)
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(**QUICK | {"max_iter": 1}).fit(IRIS.data, IRIS.target)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        MLPClassifier(**QUICK).fit(IRIS.data, IRIS.target.to_frame())
    named = MLPRegressor(**QUICK).fit(IRIS.data, IRIS.target)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        named.predict(IRIS.data.to_numpy())
    nameless = MLPRegressor(**QUICK).fit(IRIS.data.to_numpy(), IRIS.target)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        nameless.predict(IRIS.data)


def test_metadata_routing_hands_on_sample_weights():
    from sklearn import config_context

    weights = np.arange(150) % 3
    alone = MLPClassifier(**QUICK).fit(IRIS.data, NAMES, weights)
    with config_context(enable_metadata_routing=True):
        model = MLPClassifier(**QUICK).set_fit_request(sample_weight="counts")
        model.set_partial_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = clone(make_pipeline(model)).fit(IRIS.data, NAMES, counts=weights)
        found = pipeline.score(IRIS.data, NAMES, sample_weight=weights)
        with pytest.raises(ValueError, match="sample_weight"):
            make_pipeline(MLPClassifier()).fit(IRIS.data, NAMES, sample_weight=weights)
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], alone.coefs_[0])
    assert found == alone.score(IRIS.data, NAMES, weights)


def test_the_example_of_the_documents_runs():
    text = Path(__file__).parents[2].joinpath("docs", "estimators.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```py\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(example, names)
    assert names["scores"].mean() > 0.85
