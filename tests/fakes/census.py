"""What there is of ours in memory: nothing may add up, however long it goes on."""

import gc
from collections import Counter, deque
from collections.abc import Collection, Iterator
from typing import Final

from voiced.link.memory import MOST_PLACES

MOST_KEPT: Final = MOST_PLACES
"""Things in any list, dict, set or deque of ours: the longest is what is remembered of a conversation."""


def take_census() -> Counter[str]:
    """Count our objects by class, and object to any that keeps too much."""
    gc.collect()
    # str(): some foreign classes have something else there.
    ours = [each for each in gc.get_objects() if str(type(each).__module__).startswith("voiced.")]
    for each in ours:
        for inside in _containers(each):
            assert len(inside) <= MOST_KEPT, f"{type(each).__name__} keeps {len(inside)} things"
    return Counter(type(each).__name__ for each in ours)


def _containers(thing: object) -> Iterator[Collection[object]]:
    for inside in gc.get_referents(thing):
        if isinstance(inside, list | dict | set | deque):
            yield inside
