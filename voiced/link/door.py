"""What of the microphone's sound may go on to the service, and what stays here. Pure.

Theory of operation. All frames pass here before they wait for a session. The door is

- *shut* while there is no conversation: the youngest frames are kept, so that the next one begins with
  what was said just before; all others are withheld and nobody ever gets them;
- *open* during one; with a `gate` only around what is loud enough to be speech.

Whoever is *muted* is not heard at all: Capture asks `hears` and puts silence in the place of sound, so
that nothing behind it can be mistaken about it. A little of that silence goes up, so that the server
can end a turn that was half spoken; then nothing does. Each frame is passed on, kept or withheld.
"""

import enum
from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs
from attrs import frozen

from voiced.audio.format import FRAME_MS, Frame, frames_in_ms
from voiced.audio.voicing import Voicing

_ONSET_MS: Final = 60  # that many loud ones
_ONSET_WITHIN_MS: Final = 100  # of so many: a word, and no click of a door
_LULL_MS: Final = 1000  # a pause for breath is shorter
_LOUD_MS: Final = 400  # since the last loud frame: words have gaps
_NEVER_S: Final = float("inf")


class State(enum.Enum):
    """Where the door is."""

    OPEN = "open"
    WAITING = "waiting"  # all was said, and waits for a session: more would push it out
    SHUT = "shut"


@frozen
class SpeechGate:
    """Lets nothing pass while nobody speaks."""

    pre_roll_ms: int  # before it was loud
    hangover_ms: int  # after it; longer than the server's silence, which it must hear to end a turn


@attrs.define(eq=False)
class Door:
    """One microphone's. Times are the caller's seconds."""

    pre_roll_ms: int = 0  # of what is kept while it is shut
    slack_ms: int = 0  # kept besides, for whoever says late since when he wants it
    tail_ms: int = 700  # of silence that goes up after a muting
    returns_s: float = 0.04  # after an unmuting, blocks still come that were captured before it
    gate: SpeechGate | None = None
    state: State = attrs.field(default=State.OPEN, init=False)
    listens: bool = attrs.field(default=False, init=False)  # wants to be told how loud frames are
    _withheld: int = attrs.field(default=0, init=False)
    _kept: deque[tuple[float, Frame]] = attrs.field(factory=deque, init=False)
    _deaf_until_s: float = attrs.field(default=-_NEVER_S, init=False)
    _tail_left: int = attrs.field(default=0, init=False)  # frames, while it is muted
    _shuts_in: int | None = attrs.field(default=None, init=False)  # frames
    _voicing: Voicing = attrs.field(factory=Voicing, init=False)
    _gate_open_until_ms: int = attrs.field(default=0, init=False)
    _shut_at_ms: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.listens = self.gate is not None

    # --- who is heard

    @property
    def muted(self) -> bool:
        """Whether somebody wants not to be heard."""
        return self._deaf_until_s == _NEVER_S

    def hears(self, now_s: float) -> bool:
        """Whether what the microphone gives now may be anything but silence."""
        return now_s >= self._deaf_until_s

    def mute(self) -> bool:
        """Hear nothing from now on; False if it does not already."""
        if self.muted:
            return False
        self._deaf_until_s = _NEVER_S
        self._tail_left = frames_in_ms(self.tail_ms)
        self._withhold_kept()
        return True

    def unmute(self, now_s: float) -> bool:
        """Hear again; False if it was not muted."""
        if not self.muted:
            return False
        self._deaf_until_s = now_s + self.returns_s
        return True

    # --- whether there is a conversation

    def open(self, now_s: float, since_s: float | None = None) -> list[Frame]:
        """A conversation begins: return what was said just before, or *since* then."""
        self.state, self._shuts_in = State.OPEN, None
        since_s = now_s - self.pre_roll_ms / 1000 if since_s is None else since_s
        kept = [frame for at_s, frame in self._kept if at_s > since_s]
        self._withheld += len(self._kept) - len(kept)
        self._kept.clear()
        return kept

    def shut(self, last: Sequence[Frame] = (), now_s: float = 0.0) -> None:
        """It is over: nothing passes any more. The *last* frames, which nobody has got, are kept like
        what the gate held back, if they are young enough.
        """
        self.state, self._shuts_in = State.SHUT, None
        self._shut_at_ms = self._voicing.heard_ms
        self._kept.extend((now_s, frame) for frame in last)
        self._drop_beyond(self.pre_roll_ms + self.slack_ms)

    def shut_after(self, ms: int) -> None:
        """There is no session yet, and after so much more all was said: let nothing push it out."""
        if self.state is State.OPEN:
            self._shuts_in = frames_in_ms(ms)

    def resume(self) -> list[Frame]:
        """Not all was said after all: return what was kept since."""
        waited = [frame for _, frame in self._kept] if self.state is State.WAITING else []
        if self.state is not State.SHUT:
            self.state, self._shuts_in = State.OPEN, None
        if waited:
            self._kept.clear()
        return waited

    def session_begins(self) -> None:
        """It may be told speech, and needs to hear the end of that, too."""
        if self.muted:
            self._tail_left = frames_in_ms(self.tail_ms)
        if self.gate is not None:
            self._gate_open_until_ms = self._voicing.heard_ms + self.gate.hangover_ms
        self._withheld += len(self.resume())  # no part of what waits, and might push it out

    # --- frame by frame

    @property
    def loud(self) -> bool:
        """Whether what was heard lately may be speech; known only to a door that `listens`."""
        return self._voicing.voiced_ms(self._voicing.heard_ms - _LOUD_MS) >= _ONSET_MS

    @property
    def onset(self) -> bool:
        """Whether somebody seems to have begun to speak just now."""
        return self._voicing.voiced_ms(self._voicing.heard_ms - _ONSET_WITHIN_MS) >= _ONSET_MS

    @property
    def lull_before(self) -> bool:
        """Whether it was quiet for a while before that, and since the door was shut."""
        onset_ms = self._voicing.heard_ms - _ONSET_WITHIN_MS
        lull_ms = onset_ms - _LULL_MS
        loud_ms = self._voicing.voiced_ms(lull_ms) - self._voicing.voiced_ms(onset_ms)
        return lull_ms >= self._shut_at_ms and loud_ms < _ONSET_MS

    @property
    def kept(self) -> int:
        """How many frames are neither passed on nor withheld yet."""
        return len(self._kept)

    def admit(self, frame: Frame, now_s: float, dbfs: float | None = None) -> list[Frame]:
        """Say what may go on, now that *frame* has come; *dbfs* is how loud it is."""
        if dbfs is not None and self.hears(now_s):  # silence of ours would pass for the room's
            self._voicing.hear(self._voicing.heard_ms + FRAME_MS, dbfs)
        if self.state is not State.OPEN:
            return self._keep(frame, now_s, self.pre_roll_ms + self.slack_ms)
        if self._shuts_in is not None:
            self._shuts_in -= 1
            if not self._shuts_in:
                self.state, self._shuts_in = State.WAITING, None
            return [frame]
        if self.muted:
            return self._tail(frame)
        if self.gate is None:
            return [frame]
        return self._through_gate(frame, now_s, self.gate)

    def book_withheld(self) -> int:
        """How many frames were withheld since this was asked last."""
        count, self._withheld = self._withheld, 0
        return count

    # --- how it is done

    def _tail(self, frame: Frame) -> list[Frame]:
        if self._tail_left:
            self._tail_left -= 1
            return [frame]
        self._withheld += 1
        return []

    def _through_gate(self, frame: Frame, now_s: float, gate: SpeechGate) -> list[Frame]:
        heard_ms, until_ms = self._voicing.heard_ms, self._gate_open_until_ms
        loud = self.onset or (heard_ms < until_ms and self._voicing.voiced_ms(heard_ms - FRAME_MS))
        if loud:
            self._gate_open_until_ms = heard_ms + gate.hangover_ms
        elif heard_ms >= until_ms:
            return self._keep(frame, now_s, gate.pre_roll_ms)
        frames = [*(kept for _, kept in self._kept), frame]
        self._kept.clear()
        return frames

    def _keep(self, frame: Frame, now_s: float, most_ms: int) -> list[Frame]:
        self._kept.append((now_s, frame))
        self._drop_beyond(most_ms)
        return []

    def _drop_beyond(self, most_ms: int) -> None:
        while len(self._kept) > most_ms // FRAME_MS:
            self._kept.popleft()
            self._withheld += 1

    def _withhold_kept(self) -> None:
        self._withheld += len(self._kept)
        self._kept.clear()
