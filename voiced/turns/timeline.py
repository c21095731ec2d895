"""From moments to numbers: how long each step of a turn took, and what became of it.

Theory of operation. A turn is opened by the first moment of a user's speech, or by an answer that
nobody asked for, and closed when each of its items has fallen silent. Turns overlap: the next one
begins while the previous answer still sounds, so that an answer's end is looked up by item and its
cut is measured from the *newest* turn's start. Moments may be missing, double, or told out of order
(the first sound is announced before it sounds): a time is kept once, the first that was told, and
what fits nowhere is left out. Nothing grows: turns, items of a turn and samples are counted off.
"""

import math
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import attrs

from voiced.turns.figures import Figure, Outcome, Percentiles, Turn
from voiced.turns.moments import Moment

_TURNS_KEPT: Final = 16  # those just closed too, so that what is late finds its own
_ITEMS_KEPT: Final = 32  # of one turn; the playouts that may wait are a third of that
_SAMPLES_KEPT: Final = 100

_STEPS: Final = (
    (Moment.SPEECH_STOPPED, Figure.STOPPED),
    (Moment.COMMITTED, Figure.COMMITTED),
    (Moment.RESPONSE_CREATED, Figure.CREATED),
    (Moment.FIRST_DELTA, Figure.FIRST_DELTA),
    (Moment.FIRST_SOUND, Figure.FIRST_SOUND),
)

_SPOKEN: Final = frozenset({Moment.SPEECH_END, Moment.SPEECH_STOPPED, Moment.COMMITTED})
"""After any of these a turn of the user's waits for its answer."""


@attrs.define(eq=False)
class _Item:
    """One item of an answer."""

    sound_s: float | None = None  # when it becomes audible: told in advance
    end_s: float | None = None  # when it was over, heard or cut

    @property
    def sounded(self) -> bool:
        """Whether anything of it was audible: it may be cut before its first sound."""
        return self.sound_s is not None and (self.end_s is None or self.sound_s < self.end_s)


@attrs.define(eq=False)
class _OpenTurn:
    """A turn under way, or (with an outcome) one that is remembered for what is late."""

    user_items: set[str] = attrs.field(factory=set)
    times_s: dict[Moment, float] = attrs.field(factory=dict)
    items: dict[str, _Item] = attrs.field(factory=dict)
    cut: bool = False
    unheard: bool = False  # some of it, for lack of a loudspeaker
    silence_ms: int | None = None
    heard_ms: int = 0
    of_ms: int = 0
    outcome: Outcome | None = None

    @property
    def hearing(self) -> bool:
        """Whether the user has begun and not ended."""
        return Moment.SPEECH_START in self.times_s and not _SPOKEN & self.times_s.keys()

    @property
    def silent(self) -> bool:
        """Whether there was an answer, and all of it is over."""
        return bool(self.items) and all(item.end_s is not None for item in self.items.values())

    @property
    def outcome_when_silent(self) -> Outcome:
        """What became of it, now that all of its answer is over."""
        if self.unheard and not any(item.sounded for item in self.items.values()):
            return Outcome.UNANSWERED
        return Outcome.CUT if self.cut or self.unheard else Outcome.ANSWERED

    def figures_ms(self) -> dict[Figure, int]:
        """All that is known, in the order in which it happens."""
        times_s = dict(self.times_s)
        sounds = [i.sound_s for i in self.items.values() if i.sound_s is not None and i.sounded]
        if sounds:
            times_s[Moment.FIRST_SOUND] = min(sounds)
        figures: dict[Figure, int] = {}
        before_s = end_s = times_s.get(Moment.SPEECH_END, times_s.get(Moment.ASKED))
        for moment, figure in _STEPS:
            if (at_s := times_s.get(moment)) is None:
                continue
            if before_s is not None:
                figures[figure] = _ms(before_s, at_s)
            before_s = at_s
        if end_s is not None and Moment.FIRST_SOUND in times_s:
            figures[Figure.TOTAL] = _ms(end_s, times_s[Moment.FIRST_SOUND])
        if self.silence_ms is not None:
            figures[Figure.SILENCE] = self.silence_ms
        return figures


@attrs.define(eq=False)
class Timeline:
    """All turns under way, and the figures of those that are over. Times are Trio seconds."""

    outcomes: Counter[Outcome] = attrs.field(factory=Counter, init=False)
    _turns: deque[_OpenTurn] = attrs.field(factory=deque, init=False)  # the newest is the last
    _answering: _OpenTurn | None = attrs.field(default=None, init=False)
    _samples: dict[Figure, deque[int]] = attrs.field(factory=dict, init=False)
    _over: list[Turn] = attrs.field(factory=list, init=False)  # since the last moment

    def note(self, moment: Moment, at_s: float, item_id: str = "") -> list[Turn]:
        """Take in what happened; return the turns that are over by it, the oldest first."""
        match moment:
            case Moment.SPEECH_START | Moment.ASKED:
                self._begins(moment, at_s, item_id)
            case Moment.SPEECH_END | Moment.SPEECH_STOPPED | Moment.COMMITTED:
                self._speech_goes_on(moment, at_s, item_id)
            case Moment.RESPONSE_CREATED:
                self._answering = self._waiting(item_id) or self._open()
                self._answering.times_s.setdefault(moment, at_s)
            case Moment.FIRST_DELTA | Moment.FIRST_SOUND:
                self._answer_sounds(moment, at_s, item_id)
            case Moment.PLAYED | Moment.CUT | Moment.UNHEARD:
                self._answer_is_over(moment, at_s, item_id)
            case Moment.DISMISSED | Moment.UNANSWERED:
                self._no_answer_comes(moment, item_id)
            case (
                Moment.DIALLING | Moment.COOLING | Moment.GAVE_UP | Moment.INACTIVE | Moment.STOPPED
            ):
                self._link_lost(for_good=moment is Moment.STOPPED)
            case Moment.READY | Moment.RENEWED | Moment.DUCKED | Moment.RESTORED:
                pass
            case (
                Moment.DEVICE_LOST
                | Moment.DEVICE_BACK
                | Moment.BUDGET
                | Moment.MUTED
                | Moment.UNMUTED
                | Moment.WOKEN
            ):
                pass
        over, self._over = self._over, []
        return over

    def heard(self, item_id: str, heard_ms: int, of_ms: int) -> None:
        """Say how much of an item was heard, before it is noted as played or cut."""
        turn = self._turn_of(item_id)
        if turn is not None and turn.items[item_id].end_s is None:
            turn.heard_ms += heard_ms
            turn.of_ms += of_ms

    def percentiles(self) -> Mapping[Figure, Percentiles]:
        """Each figure that was ever known, over the last hundred turns that had it."""
        return {
            figure: Percentiles(_percentile(samples, 50), _percentile(samples, 95))
            for figure, samples in self._samples.items()
        }

    # What is made of each kind of moment.

    def _begins(self, moment: Moment, at_s: float, item_id: str) -> None:
        if self._of_user(item_id) is None:
            turn = self._open()
            turn.times_s[moment] = at_s
            turn.user_items.add(item_id)

    def _speech_goes_on(self, moment: Moment, at_s: float, item_id: str) -> None:
        """Each turn ends once; where the server names another item than before, order decides."""
        turn = self._of_user(item_id)
        if turn is None:
            lacking = (t for t in self._under_way() if not t.items and moment not in t.times_s)
            turn = next(lacking, None) or self._open()
            turn.user_items.add(item_id)
        turn.times_s.setdefault(moment, at_s)

    def _answer_sounds(self, moment: Moment, at_s: float, item_id: str) -> None:
        turn = self._turn_of(item_id) or self._begin_item(item_id)
        if turn is None:
            return
        if moment is Moment.FIRST_DELTA:
            turn.times_s.setdefault(moment, at_s)
        elif turn.items[item_id].sound_s is None:
            turn.items[item_id].sound_s = at_s

    def _begin_item(self, item_id: str) -> _OpenTurn | None:
        """Give a new item to the turn that it answers."""
        turn = self._answering
        if turn is None or turn.outcome is not None:
            turn = next((t for t in self._under_way() if not t.hearing), None) or self._open()
        if len(turn.items) >= _ITEMS_KEPT:
            return None
        turn.items[item_id] = _Item()
        self._pass_over(turn)
        return turn

    def _pass_over(self, answered: _OpenTurn) -> None:
        """Answers come in order: what was said before this turn gets none any more."""
        for turn in self._turns:
            if turn is answered:
                return
            if turn.outcome is None and not turn.items:
                self._close(turn, Outcome.UNANSWERED)

    def _answer_is_over(self, moment: Moment, at_s: float, item_id: str) -> None:
        turn = self._turn_of(item_id)
        if turn is None or (item := turn.items[item_id]).end_s is not None:
            return
        item.end_s = at_s
        if moment is Moment.CUT:
            turn.cut = True
            spoken_s = self._spoken_over(turn)
            if spoken_s is not None and item.sounded and turn.silence_ms is None:
                turn.silence_ms = _ms(spoken_s, at_s)
        turn.unheard = turn.unheard or moment is Moment.UNHEARD
        if turn.silent:
            self._close(turn, turn.outcome_when_silent)

    def _no_answer_comes(self, moment: Moment, item_id: str) -> None:
        """Dismissed while it was still being heard, or left without an answer after it."""
        turn = self._waiting(item_id, hearing=moment is Moment.DISMISSED)
        if turn is not None:
            dismissed = moment is Moment.DISMISSED
            self._close(turn, Outcome.DISMISSED if dismissed else Outcome.UNANSWERED)

    def _link_lost(self, *, for_good: bool) -> None:
        """What sounds is spoken to its end, unless the daemon itself ends.

        The next session may name its items as this one did: what is over is forgotten.
        """
        for turn in tuple(self._turns):
            if turn.outcome is None and (for_good or not turn.items):
                self._abandon(turn)
        self._turns = deque(turn for turn in self._turns if turn.outcome is None)
        self._answering = None

    # Which turn is meant.

    def _under_way(self) -> Iterator[_OpenTurn]:
        """Turns that are not over, the newest first."""
        return (turn for turn in reversed(self._turns) if turn.outcome is None)

    def _of_user(self, item_id: str) -> _OpenTurn | None:
        """The turn of that item of the user's, be it over or not."""
        return next((t for t in self._turns if item_id and item_id in t.user_items), None)

    def _turn_of(self, item_id: str) -> _OpenTurn | None:
        """The turn that this item of the assistant's answers, be it over or not."""
        return next((turn for turn in self._turns if item_id in turn.items), None)

    def _waiting(self, item_id: str, *, hearing: bool = False) -> _OpenTurn | None:
        """The user's turn that waits for an answer: of that item, or the newest."""
        turn = self._of_user(item_id)
        if turn is not None and turn.outcome is None and not turn.items:
            return turn
        waiting = (t for t in self._under_way() if not t.items and (hearing or not t.hearing))
        return next(waiting, None)

    def _open(self) -> _OpenTurn:
        turn = _OpenTurn()
        self._turns.append(turn)
        if len(self._turns) > _TURNS_KEPT:
            oldest = self._turns.popleft()
            if oldest.outcome is None:
                self._abandon(oldest)
        return turn

    def _spoken_over(self, turn: _OpenTurn) -> float | None:
        """When the user began to speak over that turn's answer, if that is going on."""
        newest = self._turns[-1]
        if newest is turn or newest.outcome is not None:
            return None
        return newest.times_s.get(Moment.SPEECH_START, newest.times_s.get(Moment.ASKED))

    # How it ends.

    def _abandon(self, turn: _OpenTurn) -> None:
        """Close a turn whose end nobody will tell."""
        self._close(turn, Outcome.CUT if turn.items else Outcome.UNANSWERED)

    def _close(self, turn: _OpenTurn, outcome: Outcome) -> None:
        turn.outcome = outcome
        figures_ms = turn.figures_ms()
        for figure, ms in figures_ms.items():
            self._samples.setdefault(figure, deque(maxlen=_SAMPLES_KEPT)).append(ms)
        self.outcomes[outcome] += 1
        self._over.append(Turn(outcome, figures_ms, turn.heard_ms, turn.of_ms))


def _ms(start_s: float, end_s: float) -> int:
    return round((end_s - start_s) * 1000)


def _percentile(samples: Collection[int], percent: int) -> int:
    """Nearest rank: a value that was really measured."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]
