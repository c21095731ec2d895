"""Signaller: plays the tones that go with a conversation."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NoReturn

import attrs

from voiced.actors.own_sound import playout_of
from voiced.audio import earcons
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.messages import Heard, Kind, Playout
from voiced.notices import Happened, Moment, NoticeBoard, Phase
from voiced.turns.cues import LATE_S, Cue, Scene, Tones, called_for

log = logging.getLogger(__name__)

_NOTES: Final[Mapping[Cue, tuple[earcons.Note, ...]]] = MappingProxyType(
    {Cue.WAKE: earcons.WAKE, Cue.TURN_END: earcons.TURN_END, Cue.ERROR: earcons.ERROR}
)


@attrs.define(eq=False, kw_only=True)
class Signaller:
    """Receives: every moment, from the board. Says: `playouts` of its own kind, one at a time. Loses,
    counted: what would come late, wait behind others or before an answer, or is spoken over. Ends: never
    by itself.
    """

    playouts: Channel[Playout]
    board: NoticeBoard
    counts: Counts
    tones: Tones
    muted: Callable[[], bool] = lambda: False
    deafens: Callable[[], bool] = lambda: False  # as `Scene` says
    _sounds: dict[Cue, bytes] = attrs.field(factory=dict, init=False, repr=False)
    _heard: Channel[Heard] = attrs.field(init=False)
    _under_way: Playout | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._heard = Channel("heard earcons", 1, WhenFull.DROP_NEWEST)
        self.adopt(self.tones)
        self.board.follow(self._note)

    async def run(self) -> NoReturn:
        """Keep account of what was heard, for ever."""
        while True:
            heard = await self._heard.receive()
            self._under_way = None
            if heard.whole:
                self.counts.earcons += 1
            else:
                self._lose(heard.item_id)

    def adopt(self, tones: Tones) -> None:
        """Go by these from now on."""
        self.tones = tones
        self._sounds = {
            cue: earcons.render(notes, tones.level_db)
            for cue, notes in _NOTES.items()
            if cue in tones.cues
        }

    def _note(self, happened: Happened) -> None:
        if happened.moment is Moment.SPEECH_START:
            self._make_way(whatever_sounds=True)
        elif happened.moment is Moment.FIRST_DELTA:
            self._make_way(whatever_sounds=False)
        scene = Scene(
            muted=self.muted(),
            hearing=self.board.phase.phase is Phase.HEARING,
            deafens=self.deafens(),
        )
        cue = called_for(happened.moment, happened.detail, self.tones, scene)
        if cue is not None:
            self._play(cue, happened.at_s + LATE_S[cue])

    def _play(self, cue: Cue, until_s: float) -> None:
        playout = playout_of(self._sounds[cue], Kind.EARCON, cue.value, self._heard, until_s)
        # An answer that waits comes first, and one tone at a time is enough.
        if self._under_way is not None or len(self.playouts) or not self.playouts.offer(playout):
            self._lose(playout.item_id)
        else:
            self._under_way = playout

    def _make_way(self, *, whatever_sounds: bool) -> None:
        """For the user, or for an answer; that one does not cut short what sounds: it is over so soon."""
        playout = self._under_way
        if playout is not None and (whatever_sounds or not playout.heard_so_far()):
            playout.scope.cancel()

    def _lose(self, item_id: str) -> None:
        self.counts.earcons_unheard += 1
        log.debug("earcon not played item=%s", item_id)
