"""Whether sharing a step among threads pays now, found by trying.

Threads meet several times in a step. Where another program keeps one of their cores busy, the
others wait for it, and one thread alone is faster, up to several times. As the results are the same
for any number of threads, either may be chosen anew at each call.
"""

from __future__ import annotations

from typing import Final

# how much of an estimate is kept when a call has been timed
_KEPT: Final = 0.5
# the slower way is tried again after so many calls, and more seldom the slower it is
_CALLS: Final = 32


class Pace:
    """The times of one step's calls, shared and alone."""

    def __init__(self) -> None:
        self._seconds: dict[bool, float] = {}  # of one step
        self._until_trial = 0

    def is_to_be_shared(self) -> bool:
        """Whether the next call is to be shared."""
        for way in (True, False):
            if way not in self._seconds:
                return way
        faster = self._seconds[True] <= self._seconds[False]
        return not faster if self._until_trial <= 0 else faster

    def note(self, shared: bool, seconds: float) -> None:
        """Takes into account how long a step took."""
        before = self._seconds.get(shared, seconds)
        self._seconds[shared] = _KEPT * before + (1 - _KEPT) * seconds
        self._until_trial -= 1
        if self._until_trial < 0 and len(self._seconds) == 2:
            slow, fast = max(self._seconds.values()), min(self._seconds.values())
            self._until_trial = round(_CALLS * slow / max(fast, 1e-9))
