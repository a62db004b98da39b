"""Class labels: which there are, their numbers, and their weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from warnings import warn

from baregrad.errors import ArgumentError, DataError, listed
from baregrad.estimators.arrays import numpy_array
from baregrad.estimators.conventions import sklearn_class
from baregrad.tensor.tensor import Tensor


class Labels(list[Any]):
    """One label for each sample, or one row of zeros and ones.

    Attributes:
        multilabel: whether they are rows.
        kind: the NumPy data type that they came with, if they did.
    """

    def __init__(self, y: Any) -> None:
        array = numpy_array(y)
        self.kind = None if array is None else array.dtype
        source = y if array is None else array
        values = source.tolist() if hasattr(source, "tolist") else list(source)
        rows = [row.tolist() if hasattr(row, "tolist") else row for row in values]
        self.multilabel = any(isinstance(row, list | tuple) for row in rows)
        if self.multilabel:
            rows = self._checked_rows(rows)
        super().__init__(rows)

    def _checked_rows(self, rows: Sequence[Any]) -> list[Any]:
        widths = {len(row) if isinstance(row, list | tuple) else 0 for row in rows}
        if widths == {1}:
            self.multilabel = False
            kind = sklearn_class("DataConversionWarning", UserWarning)
            text = "A column-vector y was passed when a 1d array was expected; use y.ravel()"
            warn(text, kind, stacklevel=7)
            return [row[0] for row in rows]
        if len(widths) > 1 or not {value for row in rows for value in row} <= {0, 1}:
            raise DataError(
                "Unknown label type: y must have one label for each sample, or a row of zeros and "
                "ones"
            )
        return list(rows)

    def classes(self) -> list[Any]:
        """All labels in order; of rows, the numbers of their columns.

        Raises:
            DataError: fewer than two classes, numbers with fractions, labels without an order.
        """
        if self.multilabel:
            return list(range(len(self[0])))
        try:
            found = sorted(set(self))
        except TypeError:
            kinds = ", ".join(sorted({type(label).__name__ for label in self}))
            raise DataError(
                f"Unknown label type: labels of the types {kinds} cannot be put in order"
            ) from None
        for label in found:
            if isinstance(label, float) and not label.is_integer():
                raise DataError(
                    f"Unknown label type: continuous. {label} is not a class; for quantities there "
                    "is MLPRegressor"
                )
        if len(found) < 2:
            raise DataError(f"y has the one class {found}, so there is nothing to tell apart")
        return found

    def encoded(self, classes: Sequence[Any]) -> Tensor:
        """As a network learns them: (samples,) numbers of classes, int64.

        Of two classes and of rows, (samples, outputs) zeros and ones, float32.

        Raises:
            DataError: a label that is none of the classes.
        """
        if self.multilabel:
            if len(self[0]) != len(classes):
                raise DataError(f"y has {len(self[0])} columns; there are {len(classes)} classes")
            return Tensor(list(self), "float32")
        places = {label: place for place, label in enumerate(classes)}
        unknown = sorted(map(str, set(self) - places.keys()))
        if unknown:
            raise DataError(
                f"y has labels that are not among the classes: {', '.join(unknown)}; the classes "
                f"are {', '.join(map(str, classes))}"
            )
        found = [places[label] for label in self]
        return Tensor([[i] for i in found], "float32") if len(classes) == 2 else Tensor(found)

    def weights(self, class_weight: Any, classes: Sequence[Any]) -> list[float] | None:
        """A weight for each sample by its class; None if there are none.

        Args:
            class_weight: weights by label, 1 for what is not there; ``"balanced"`` for
                n / (k · count), with which each of the k classes counts the same; None.
            classes: all labels.

        Raises:
            ArgumentError: anything else, or rows of labels; weights of what is no class, while
                there are classes without.
        """
        if class_weight is None:
            return None
        if self.multilabel:
            raise ArgumentError("class_weight needs one label for each sample, not rows of them")
        if isinstance(class_weight, Mapping):
            _check_known(class_weight, set(classes))
            return [float(class_weight.get(label, 1.0)) for label in self]
        if class_weight != "balanced":
            raise ArgumentError(
                f"class_weight must be a dict, 'balanced' or None, not {class_weight!r}"
            )
        counts = Counter(self)
        return [len(self) / (len(counts) * counts[label]) for label in self]


def _check_known(class_weight: Mapping[Any, float], labels: set[Any]) -> None:
    """Refuses weights of which some are probably for labels that are written otherwise."""
    unknown, without = class_weight.keys() - labels, labels - class_weight.keys()
    if unknown and without:
        raise ArgumentError(
            f"class_weight has {listed(sorted(map(repr, unknown)))}, which is no class, and not "
            f"{listed(sorted(map(repr, without)))}, which is"
        )
