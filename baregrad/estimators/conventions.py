"""What every estimator of scikit-learn has, without scikit-learn.

Its developer's guide ("Developing scikit-learn estimators") says what that is: parameters are
stored as they are given and looked at in `fit`, what is learned ends with an underscore, and tags
say what an estimator can do. Classes of scikit-learn are taken from it only if somebody has loaded
it already.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Self

from baregrad.errors import NotFittedError, checked_name


def sklearn_class(name: str, otherwise: type[Any]) -> type[Any]:
    """A class of ``sklearn.exceptions`` if that is loaded, and another one if not."""
    module = sys.modules.get("sklearn.exceptions")
    return otherwise if module is None else getattr(module, name)


def not_fitted(estimator: object) -> NotFittedError:
    """The error for a use before `fit`; where scikit-learn is loaded, of its own class, too."""
    foreign = sklearn_class("NotFittedError", NotFittedError)
    kinds = (NotFittedError,) if foreign is NotFittedError else (NotFittedError, foreign)
    kind: type[NotFittedError] = type("NotFittedError", kinds, {})
    return kind(f"this {type(estimator).__name__} is not fitted yet; call fit first")


class Estimator:
    """Parameters by name, and the tags.

    A subclass lists its parameters in `__init__` and hands them to `_store`.
    """

    _estimator_type: str

    def _store(self, values: dict[str, Any]) -> None:
        """Keeps the arguments of `__init__`, its `locals()`, as they are."""
        vars(self).update({name: values[name] for name in self._defaults()})

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        from inspect import signature  # takes a while to load

        parameters = list(signature(cls.__init__).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in parameters}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; there are none deeper, whatever `deep` says."""
        return {name: getattr(self, name) for name in sorted(self._defaults())}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters.

        Raises:
            ArgumentError: there is none of this name.
        """
        known = self._defaults()
        for name in params:
            checked_name(f"parameter of {type(self).__name__}", name, known)
        vars(self).update(params)
        return self

    def __repr__(self) -> str:
        defaults, values = self._defaults(), self.get_params()
        changed = [
            f"{name}={value!r}"
            for name, value in values.items()
            if repr(value) != repr(defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks about an estimator; only this imports it."""
        utils = import_module("sklearn.utils")
        regressor = self._estimator_type == "regressor"
        return utils.Tags(
            estimator_type=self._estimator_type,
            target_tags=utils.TargetTags(required=True, multi_output=regressor),
            regressor_tags=utils.RegressorTags() if regressor else None,
            classifier_tags=None if regressor else utils.ClassifierTags(multi_label=True),
            input_tags=utils.InputTags(sparse=True),
        )

    # --- metadata routing -------------------------------------------------------------------------

    def get_metadata_routing(self) -> Any:
        """Which arguments a method is handed by scikit-learn's tools; only this imports it."""
        if hasattr(self, "_metadata_request"):
            return self._metadata_request
        routing = import_module("sklearn.utils.metadata_routing")
        request = routing.MetadataRequest(owner=type(self).__name__)
        for method in ("fit", "partial_fit", "score"):
            getattr(request, method).add_request(param="sample_weight", alias=None)
        return request

    def set_fit_request(self, *, sample_weight: bool | str | None) -> Self:
        """Whether `fit` is handed sample weights, or by which name; None for an error if any are.

        It counts where scikit-learn's ``enable_metadata_routing`` is set.
        """
        return self._set_request("fit", sample_weight)

    def set_partial_fit_request(self, *, sample_weight: bool | str | None) -> Self:
        """As `set_fit_request`, for `partial_fit`."""
        return self._set_request("partial_fit", sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """As `set_fit_request`, for `score`."""
        return self._set_request("score", sample_weight)

    def _set_request(self, method: str, sample_weight: bool | str | None) -> Self:
        request = self.get_metadata_routing()
        getattr(request, method).add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = request
        return self
