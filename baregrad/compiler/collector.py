"""Compiling, and importing the compiler, without the garbage collector.

A compiler makes many objects and hardly any cycles among them, and nearly all of them live until it
is done. The collector would look through them again and again and find nothing: it is a tenth of
the time, and more where modules are imported as well.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Within it no garbage is collected; afterwards it is as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Modules that are imported within count as old at once, as they stay.

    The collector would look at each of their functions once more before it counts them as old.
    Freezing and unfreezing does that, to all that there is; what is garbage is found a little
    later.
    """
    before = len(sys.modules)
    with collection_paused():
        yield
        if len(sys.modules) > before and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
