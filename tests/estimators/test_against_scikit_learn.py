"""The same weights, losses and predictions as scikit-learn's estimators, from the same start."""

import pytest

pytest.importorskip("sklearn", minversion="1.7")

import numpy as np
from sklearn import neural_network

import baregrad as bg

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
EPOCHS = 12
COMMON = {
    "hidden_layer_sizes": (5, 4),
    "alpha": 0.1,
    "shuffle": False,
    "batch_size": 7,
    "learning_rate": "constant",
    "learning_rate_init": 0.05,
    "tol": 0.0,
    "n_iter_no_change": 1000,
    "warm_start": True,
    "random_state": 0,
    "epsilon": 1e-14,  # it is added before the bias of the square root is corrected there
}
random = np.random.default_rng(0)
X = random.normal(size=(30, 3))
WEIGHTS = random.uniform(0.5, 2, 30)
TARGETS = {
    "numbers": X[:, 0] * 2 - np.sin(X[:, 1]),
    "counts": random.poisson(np.exp(X[:, 0] / 2)).astype(float),
    "two classes": np.where(X[:, 0] > X[:, 1], "a", "b"),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
}


def pair(kind, epochs=EPOCHS, **options):
    """Ours and theirs, begun with the same weights and trained for so many epochs."""
    name = "MLPClassifier" if "classes" in kind else "MLPRegressor"
    y = TARGETS[kind]
    own = {"label_smoothing": 0.0} if name == "MLPClassifier" else {"scale_target": False}
    plain = {"dropout": 0.0} | own
    ours = getattr(bg, name)(max_iter=1, dtype="float64", **plain, **options).fit(X, y)
    theirs = getattr(neural_network, name)(max_iter=1, **options).fit(X, y)
    for layer, weight, bias in zip(
        ours.model_.layers, theirs.coefs_, theirs.intercepts_, strict=True
    ):
        layer.weight.assign(bg.Tensor(weight.T.copy()))
        layer.bias.assign(bg.Tensor(bias))
    ours.set_params(max_iter=epochs)
    theirs.set_params(max_iter=epochs)
    return ours, theirs, y


SOLVERS = [
    {"solver": "sgd", "activation": "tanh"},
    {"solver": "sgd", "activation": "logistic", "nesterovs_momentum": False},
    {"solver": "sgd", "activation": "relu", "momentum": 0.0},
    {"solver": "adam", "activation": "tanh", "beta_1": 0.8},
]


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
@pytest.mark.parametrize(
    "options", SOLVERS, ids=lambda options: "-".join(map(str, options.values()))
)
def test_weights_and_losses_are_the_same_after_some_epochs(kind, options):
    ours, theirs, y = pair(kind, **COMMON, **options)
    ours.fit(X, y)
    theirs.fit(X, y)
    for own, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-7)
    for own, other in zip(ours.intercepts_, theirs.intercepts_, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=1e-6)
    assert ours.n_iter_ == theirs.n_iter_ == EPOCHS
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_outputs_, ours.n_layers_) == (theirs.n_outputs_, theirs.n_layers_)
    assert ours.score(X, y, WEIGHTS) == pytest.approx(theirs.score(X, y, WEIGHTS), rel=1e-5)


@pytest.mark.parametrize("kind", ["numbers", "counts", "two classes", "three classes"])
def test_samples_have_the_same_weights_in_full_batches(kind):
    loss = {"loss": "poisson"} if kind == "counts" else {}
    options = COMMON | {"batch_size": 30, "activation": "tanh"} | loss
    ours, theirs, y = pair(kind, **options)
    if not has_weights(theirs):
        pytest.skip("this scikit-learn has no sample weights here")
    ours.fit(X, y, WEIGHTS)
    theirs.fit(X, y, WEIGHTS)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-5)
    prediction = "predict_proba" if "classes" in kind else "predict"
    np.testing.assert_allclose(
        getattr(ours, prediction)(X), getattr(theirs, prediction)(X), rtol=1e-5
    )


def has_weights(estimator):
    from sklearn.utils.validation import has_fit_parameter

    return has_fit_parameter(estimator, "sample_weight")


def test_lbfgs_comes_to_as_small_a_loss():
    options = {"solver": "lbfgs", "alpha": 1.0, "activation": "tanh", "hidden_layer_sizes": ()}
    ours = bg.MLPRegressor(dtype="float64", scale_target=False, tol=1e-10, **options)
    ours.fit(X, TARGETS["numbers"])
    theirs = neural_network.MLPRegressor(tol=1e-10, **options).fit(X, TARGETS["numbers"])
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-3)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
    assert len(ours.loss_curve_) == ours.n_iter_ < 50


@pytest.mark.parametrize(
    ("name", "own"),
    [("MLPRegressor", {"hidden_layer_sizes"}), ("MLPClassifier", {"alpha"})],
)
def test_parameters_have_the_same_names_and_defaults_but_those_chosen_by_measurement(name, own):
    theirs = getattr(neural_network, name)().get_params()
    ours = getattr(bg, name)().get_params()
    assert theirs.keys() - ours.keys() == {"max_fun"}
    different = {n for n in theirs.keys() & ours.keys() if repr(theirs[n]) != repr(ours[n])}
    assert different == {"learning_rate", "learning_rate_init", "max_iter"} | own


@pytest.mark.parametrize("name", ["MLPRegressor", "MLPClassifier"])
def test_attributes_have_the_same_names(name):
    y = TARGETS["two classes" if name == "MLPClassifier" else "numbers"]
    theirs = getattr(neural_network, name)(max_iter=1).fit(X, y)
    ours = getattr(bg, name)(max_iter=1).fit(X, y)
    missing = [n for n in vars(theirs) if n.endswith("_") and not hasattr(ours, n)]
    assert missing == []
