"""Who may do what: decided by whom the kernel says a client is, never by what it says itself."""

import enum
from typing import Final

from attrs import frozen


class Right(enum.Enum):
    """What one may be allowed to do."""

    WATCH = "watch"  # see what goes on: phases, levels, turns, faults, numbers; never words
    WORDS = "words"  # read what is said: transcripts and history
    TALK = "talk"  # take part, and silence it: ask, say, talk, interrupt, volume
    MANAGE = "manage"  # its life: reconnect, shut down


ALL: Final = frozenset(Right)
NONE: Final[frozenset[Right]] = frozenset()

ROOT: Final = 0


@frozen
class Peer:
    """A client, as the kernel knows it."""

    uid: int
    gids: frozenset[int] = frozenset()  # its own and the supplementary ones


@frozen
class House:
    """Whose daemon this is, and what members of its group may do."""

    uid: int
    gid: int | None = None  # None: there is no such group here
    group_may: frozenset[Right] = NONE


def granted(peer: Peer, house: House) -> frozenset[Right]:
    """What *peer* may do; nothing, if it is a stranger."""
    if peer.uid in {house.uid, ROOT}:
        return ALL
    if house.gid is not None and house.gid in peer.gids:
        return house.group_may
    return NONE
