"""Whether sharing a step among threads pays now, found by trying.

Threads meet several times in a step. Where another program keeps one of their cores busy, the
others wait for it, and one thread alone is faster, up to several times; and the host of a virtual
machine may move its cores near to each other and far apart, several times a second. As the results
are the same for any number of threads, either may be chosen anew at each call.
"""

from __future__ import annotations

from typing import Final

# a way is judged by the best of so many of its last calls
_LAST: Final = 3
# the slower way is tried again after so many calls, and more seldom the slower it is: after a
# change of the faster way soon, then each time after twice as many
_FEWEST_CALLS: Final = 4
_MOST_CALLS: Final = 32


class Pace:
    """The times of one step's calls, shared and alone."""

    def __init__(self) -> None:
        self._seconds: dict[bool, list[float]] = {True: [], False: []}  # of one step
        self._shares = True  # the faster way
        self._calls = self._until_trial = _FEWEST_CALLS

    def is_to_be_shared(self) -> bool:
        """Whether the next call is to be shared."""
        shared, alone = self._seconds[True], self._seconds[False]
        if len(alone) < _LAST:  # both in turn at first
            return len(shared) == len(alone)
        return self._shares if self._until_trial > 0 else not self._shares

    def note(self, shared: bool, seconds: float) -> None:
        """Takes into account how long a step took."""
        times = self._seconds
        times[shared] = [*times[shared], seconds][-_LAST:]
        self._until_trial -= 1
        if not all(times.values()):
            return
        together, alone = (min(times[way]) for way in (True, False))
        shares = together <= alone
        if shares != self._shares:
            self._shares, self._calls = shares, _FEWEST_CALLS
        elif self._until_trial < 0:
            self._calls = min(2 * self._calls, _MOST_CALLS)
        else:
            return
        fast, slow = sorted((together, alone))
        self._until_trial = round(self._calls * slow / max(fast, 1e-9))
