"""Operations on corresponding elements: operators, comparisons and elementary functions."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self, TypeAlias

from baregrad.engines.array import FLOATS, DType
from baregrad.errors import DTypeError
from baregrad.tensor import primitives
from baregrad.tensor.convert import checked_dtype, common_dtype, operand_dtype, scalar
from baregrad.tensor.graph import Node
from baregrad.tensor.operation import Operation

Operand: TypeAlias = "Arithmetic | float"

_NUMBERS = (float, int)  # Python's own, which have the data type of the tensor that they meet


class Arithmetic(Node):
    """A tensor one can calculate with.

    Operands broadcast against each other as in NumPy, and meet at the more general data type:
    bool, int64, float32, float64. A Python number has the least general type of its kind, so
    ``x / 2`` keeps the data type of a float `x`. Arithmetic on bools counts: the result is int64.
    """

    __slots__ = ()
    __array_ufunc__ = None  # tells NumPy's operators to leave the calculation to ours
    __hash__ = object.__hash__  # a tensor is a place in a graph; `==` compares elements

    def _with(self, op: Operation, x: Any, y: Any, at_least: DType = "bool") -> Self:
        """Applies an operation to two operands brought to one data type."""
        are_tensors = isinstance(x, Node) and isinstance(y, Node)
        if are_tensors and x.dtype == y.dtype in FLOATS:  # as most often
            return self.apply(op, x, y)
        dtype = self.dtype
        if dtype in FLOATS and (type(x) in _NUMBERS or type(y) in _NUMBERS):  # as in 2 * x
            return self.apply(op, self._as(x, dtype), self._as(y, dtype))
        if not are_tensors and not (isinstance(x, (Node, Real)) and isinstance(y, (Node, Real))):
            return NotImplemented  # type: ignore[no-any-return]
        dtype = common_dtype(at_least, operand_dtype(x), operand_dtype(y))
        return self.apply(op, self._as(x, dtype), self._as(y, dtype))

    @classmethod
    def _as(cls, operand: Any, dtype: DType) -> Self:
        """A tensor or number as a tensor of this data type."""
        if isinstance(operand, Arithmetic):
            return operand.astype(dtype)  # type: ignore[return-value]
        return cls.leaf(scalar(operand, dtype))

    def _float(self, op: Operation) -> Self:
        """Applies a function that only floats have; integers become float32 first."""
        return self.apply(op, self if self.dtype in FLOATS else self.astype("float32"))

    def astype(self, dtype: DType) -> Self:
        """The same values as another data type; floats are cut to integers towards zero."""
        if dtype == self.dtype:
            return self
        return self.apply(primitives.cast, self, dtype=checked_dtype(dtype))

    # --- operators ----------------------------------------------------------------------------

    def __add__(self, other: Operand) -> Self:
        return self._with(primitives.add, self, other, at_least="int64")

    def __radd__(self, other: Operand) -> Self:
        return self._with(primitives.add, other, self, at_least="int64")

    def __sub__(self, other: Operand) -> Self:
        return self._with(primitives.subtract, self, other, at_least="int64")

    def __rsub__(self, other: Operand) -> Self:
        return self._with(primitives.subtract, other, self, at_least="int64")

    def __mul__(self, other: Operand) -> Self:
        return self._with(primitives.multiply, self, other, at_least="int64")

    def __rmul__(self, other: Operand) -> Self:
        return self._with(primitives.multiply, other, self, at_least="int64")

    def __truediv__(self, other: Operand) -> Self:
        return self._with(primitives.divide, self, other, at_least="float32")

    def __rtruediv__(self, other: Operand) -> Self:
        return self._with(primitives.divide, other, self, at_least="float32")

    def __pow__(self, other: Operand) -> Self:
        return self._with(primitives.power, self, other, at_least="int64")

    def __rpow__(self, other: Operand) -> Self:
        return self._with(primitives.power, other, self, at_least="int64")

    def __neg__(self) -> Self:
        return self.apply(primitives.negative, self._counted())

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self.apply(primitives.absolute, self._counted())

    def _counted(self) -> Self:
        return self.astype("int64") if self.dtype == "bool" else self

    # --- comparisons: tensors of bool ---------------------------------------------------------

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._with(primitives.equal, self, other)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return self._with(primitives.not_equal, self, other)

    def __lt__(self, other: Operand) -> Self:
        return self._with(primitives.less, self, other)

    def __le__(self, other: Operand) -> Self:
        return self._with(primitives.less_equal, self, other)

    def __gt__(self, other: Operand) -> Self:
        return self._with(primitives.less, other, self)

    def __ge__(self, other: Operand) -> Self:
        return self._with(primitives.less_equal, other, self)

    # --- logic: of bools ----------------------------------------------------------------------

    def __and__(self, other: Operand) -> Self:
        return self._bools(other).minimum(other)

    def __or__(self, other: Operand) -> Self:
        return self._bools(other).maximum(other)

    def __xor__(self, other: Operand) -> Self:
        return self._bools(other) != other

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Self:
        return self ^ True

    def _bools(self, other: Operand) -> Self:
        """This tensor, if it and `other` are bools.

        Raises:
            DTypeError: they are not.
        """
        for dtype in (self.dtype, operand_dtype(other)):
            if dtype != "bool":
                raise DTypeError(
                    f"&, |, ^ and ~ are of bools, not of {dtype}; compare first, and mind the "
                    "brackets, as in (x > 0) & (x < 1)"
                )
        return self

    # --- functions ----------------------------------------------------------------------------

    def abs(self) -> Self:
        """Absolute value; its gradient at 0 is 0."""
        return self.__abs__()

    def exp(self) -> Self:
        """e to the power of each element."""
        return self._float(primitives.exp)

    def expm1(self) -> Self:
        """exp(x) - 1, accurate near 0."""
        return self._float(primitives.expm1)

    def log(self) -> Self:
        """Natural logarithm; -infinity at 0 and NaN below."""
        return self._float(primitives.log)

    def sqrt(self) -> Self:
        """Square root; NaN below 0."""
        return self._float(primitives.sqrt)

    def sin(self) -> Self:
        """Sine of an angle in radians."""
        return self._float(primitives.sin)

    def cos(self) -> Self:
        """Cosine of an angle in radians."""
        return self._float(primitives.cos)

    def erf(self) -> Self:
        """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
        return self._float(primitives.erf)

    def sign(self) -> Self:
        """-1, 0 or 1; NaN of NaN. Its gradient is 0."""
        return (self > 0).where(1, (self < 0).where(-1, self * 0))

    def isfinite(self) -> Self:
        """Whether each element is a number: not NaN, not infinite."""
        return self._with(primitives.equal, self - self, 0)

    def maximum(self, other: Operand) -> Self:
        """The larger of two elements; NaN if either is. Equal ones share the gradient."""
        return self._with(primitives.maximum, self, other, at_least=operand_dtype(other))

    def minimum(self, other: Operand) -> Self:
        """The smaller of two elements; NaN if either is. Equal ones share the gradient."""
        dtype = common_dtype(self.dtype, operand_dtype(other))
        return (-(-self).maximum(-other)).astype(dtype)

    def where(self, x: Operand, y: Operand) -> Self:
        """`x` where this condition is true (not 0), `y` elsewhere.

        As PyTorch's function `where(condition, x, y)`; its method has the condition second.
        """
        dtype = common_dtype(operand_dtype(x), operand_dtype(y))
        return self.apply(
            primitives.where, self.astype("bool"), self._as(x, dtype), self._as(y, dtype)
        )

    def clip(self, low: Operand | None = None, high: Operand | None = None) -> Self:
        """Each element, or the bound it lies beyond. The gradient is 1 within and at the bounds."""
        result = self
        if low is not None:
            result = (result < low).where(low, result)
        if high is not None:
            result = (result > high).where(high, result)
        return result
