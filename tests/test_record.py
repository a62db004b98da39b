"""Records are tuples with named fields, defaults and methods."""

import pytest

from baregrad.record import Record


class Point(Record):
    x: float
    y: float = 0.0

    def norm(self) -> float:
        return abs(self.x) + abs(self.y)


class Event(Point):
    time: float = 7.0


def test_fields_are_given_by_place_or_by_name_or_have_their_default():
    assert Point(1.0, 2.0) == Point(y=2.0, x=1.0) == (1.0, 2.0)
    assert (Point(3.0).x, Point(3.0).y) == (3.0, 0.0)
    assert Point(1.0, -2.0).norm() == 3.0


def test_a_record_is_a_tuple_that_can_be_a_key():
    x, y = Point(1.0, 2.0)
    assert (x, y) == (1.0, 2.0)
    assert {Point(1.0): "a"}[Point(1.0, 0.0)] == "a"
    assert not hasattr(Point(1.0), "__dict__")


def test_a_record_can_have_more_fields_than_its_base():
    assert Event(1.0) == (1.0, 0.0, 7.0)
    assert Event(1.0, time=2.0).time == 2.0
    assert Event(1.0).norm() == 1.0


def test_replacing_leaves_the_original_alone():
    point = Point(1.0, 2.0)
    assert point._replace(y=3.0) == (1.0, 3.0)
    assert point == (1.0, 2.0)


def test_a_record_prints_with_the_names_of_its_fields():
    assert repr(Point(1.0)) == "Point(x=1.0, y=0.0)"


def test_fields_cannot_be_assigned_to():
    with pytest.raises(AttributeError):
        Point(1.0).x = 2.0


@pytest.mark.parametrize(
    ("values", "named", "message"),
    [
        ((), {}, "Point needs x"),
        ((1.0, 2.0, 3.0), {}, "Point has the fields x, y"),
        ((1.0,), {"z": 1.0}, "Point has the fields x, y"),
        ((1.0, 2.0), {"x": 1.0}, "Point has the fields x, y"),
    ],
)
def test_a_field_that_is_missing_or_too_many_is_an_error(values, named, message):
    with pytest.raises(TypeError, match=message):
        Point(*values, **named)


def test_replacing_what_is_no_field_is_an_error():
    with pytest.raises(TypeError, match="has the fields"):
        Point(1.0)._replace(z=1.0)
