"""scikit-learn's own checks of estimators.

In float64, all of them. In float32, all but those that compare two ways to compute the same number
with a tolerance of 1e-7, where float32 rounds at 6e-8 at each operation.
"""

import warnings

import pytest

pytest.importorskip("sklearn", minversion="1.6")
pytest.importorskip("pandas")

from sklearn.utils.estimator_checks import parametrize_with_checks

from baregrad import MLPClassifier, MLPRegressor

ROUNDING = "float32 rounds more coarsely than the tolerance of 1e-7; dropout draws for each sample"
ASKS_FOR_MORE_THAN_FLOAT32 = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_methods_subset_invariance",
)


def expected_to_fail(estimator):
    is_exact = estimator.dtype == "float64"
    return {} if is_exact else dict.fromkeys(ASKS_FOR_MORE_THAN_FLOAT32, ROUNDING)


def checks(*estimators):
    """All checks, one test each; that we do not inherit from `BaseEstimator` is on purpose."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimator MLP.* does not inherit", UserWarning)
        return parametrize_with_checks(estimators, expected_failed_checks=expected_to_fail)


# Dropout draws for each sample, so that one of weight 2 is not the same as two of weight 1.
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 15, "learning_rate_init": 0.1, "dropout": 0.0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@checks(MLPRegressor(dtype="float64", **SMALL), MLPClassifier(dtype="float64", **SMALL))
def test_small_networks_in_float64_pass_every_check(estimator, check):
    if check.func.__name__ == "check_class_weight_classifiers":
        estimator.set_params(dtype="float32")  # it wants a thousand epochs, too many for Python
    check(estimator)


@pytest.mark.slow
@checks(MLPRegressor(), MLPClassifier())
def test_networks_with_default_parameters_pass_the_checks(estimator, check):
    check(estimator)
