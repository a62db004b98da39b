"""Whether sharing a step among threads pays now, found by trying.

Threads meet several times in a step. Where another program keeps one of their cores busy, the
others wait for it, and one thread alone is faster, up to several times. As the results are the same
for any number of threads, either may be chosen anew at each call.
"""

from __future__ import annotations

from typing import Final

# a way is judged by the best of so many of its last calls
_LAST: Final = 3
# the slower way is tried again after so many calls, and more seldom the slower it is
_CALLS: Final = 32


class Pace:
    """The times of one step's calls, shared and alone."""

    def __init__(self) -> None:
        self._seconds: dict[bool, list[float]] = {True: [], False: []}  # of one step
        self._until_trial = _CALLS

    def is_to_be_shared(self) -> bool:
        """Whether the next call is to be shared."""
        shared, alone = self._seconds[True], self._seconds[False]
        if len(alone) < _LAST:  # both in turn at first
            return len(shared) == len(alone)
        faster = min(shared) <= min(alone)
        return not faster if self._until_trial <= 0 else faster

    def note(self, shared: bool, seconds: float) -> None:
        """Takes into account how long a step took."""
        times = self._seconds
        times[shared] = [*times[shared], seconds][-_LAST:]
        self._until_trial -= 1
        if self._until_trial < 0:
            fast, slow = sorted(min(found) for found in times.values())
            self._until_trial = round(_CALLS * slow / max(fast, 1e-9))
