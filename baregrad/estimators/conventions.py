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

from baregrad.errors import NotFittedError, unknown_name


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
            if name not in known:
                raise unknown_name(f"parameter of {type(self).__name__}", name, list(known))
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
