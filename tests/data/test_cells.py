import pytest

from baregrad.data.cells import days, truth


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", 1), ("No", 0), ("T", 1), ("f", 0), ("y", 1), ("1", 1), ("0.0", 0), ("2", None),
     ("maybe", None), ("nan", None)],
)  # fmt: skip
def test_true_and_false_are_read(text, value):
    assert truth(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1970-01-01", 0),
        ("1970-1-2", 1),
        ("1970/01/03", 2),
        ("2.1.1970", 1),
        ("01.02.1970 06:00", 31.25),
        ("1970-01-01T12:00:00Z", 0.5),
        ("1970-01-02 01:00:00+01:00", 1),
        ("1970-01-01 00:00:00.5", 0.5 / 86400),
        ("1969-12-31", -1),
        ("2000-02-29", 11016),
    ],
)
def test_dates_are_days_since_1970(text, value):
    assert days(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["2001-02-29", "3/4/2024", "2024-13-01", "20240101", "2024-01/02", "1.1.24", "12:00",
     "2024-01-01 25:00", "2024-01-01 noon", "0000-01-01", "x"],
)  # fmt: skip
def test_other_text_is_no_date(text):
    assert days(text) is None
