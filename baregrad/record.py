"""Records: immutable tuples with named fields.

They are what `typing.NamedTuple` makes, and used like that. But it compiles a constructor for each
class, which takes a tenth of a millisecond, and the compiler has fifty of them to make before it
can do anything. Here all share one.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Self, dataclass_transform


class _Kind(type):
    """Makes a class of its annotations: a property for each, its value there being the default."""

    _fields: tuple[str, ...]
    _defaults: dict[str, Any]

    def __new__(cls, name: str, bases: tuple[Any, ...], body: dict[str, Any]) -> _Kind:
        inherited: tuple[str, ...] = getattr(bases[0], "_fields", ())
        defaults: dict[str, Any] = {**getattr(bases[0], "_defaults", {})}
        own = tuple(body.get("__annotations__", ()))
        for place, field in enumerate(own, len(inherited)):
            if field in body:
                defaults[field] = body[field]
            body[field] = property(itemgetter(place))
        body |= {"__slots__": (), "_fields": (*inherited, *own), "_defaults": defaults}
        return super().__new__(cls, name, bases, body)

    def _given(cls, field: str, named: dict[str, Any]) -> Any:
        """The value of a field that was not given by its place."""
        try:
            return named.pop(field) if field in named else cls._defaults[field]
        except KeyError:
            raise TypeError(f"{cls.__name__} needs {field}") from None


@dataclass_transform(frozen_default=True)
class Record(tuple[Any, ...], metaclass=_Kind):
    """Base of classes that have nothing but fields and methods.

    class Point(Record):
        x: float
        y: float = 0.0

    Raises:
        TypeError: a field without a value, or a value without a field.
    """

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """The values by their places or names; of those that are missing, the defaults."""
        fields = cls._fields
        if len(values) != len(fields):
            values += tuple([cls._given(field, named) for field in fields[len(values) :]])
        if named or len(values) != len(fields):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(fields)}")
        return tuple.__new__(cls, values)

    def _replace(self, **changes: Any) -> Self:
        """The same with other values for some fields."""
        pairs = zip(type(self)._fields, self, strict=True)
        values = [changes.pop(field, value) for field, value in pairs]
        return type(self)(*values, **changes)

    def __repr__(self) -> str:
        pairs = zip(type(self)._fields, self, strict=True)
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in pairs)})"
