"""JSON from strangers: what means one thing only is read, all else refused."""

from __future__ import annotations

import math
from typing import Any


def parsed(text: str) -> Any:
    """The value of a JSON text (RFC 8259), of which every part is valid, unique and finite.

    Raises:
        ValueError: it is not JSON, names something twice in an object, has NaN or a number beyond
            float64, half a surrogate pair, or more levels than Python can go down.
    """
    import json  # files are written and read seldom

    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
        )
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()  # raises for half a pair
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError(f"a name stands twice in an object, among {list(names)[:5]}")
    return names


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value
