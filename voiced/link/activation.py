"""Whether there is to be a conversation at all, and when one has lasted long enough. Pure.

Theory of operation. An owner decides what begins a conversation (`Mode`); time, silence or a person ends
it (`Ended`). Between two conversations nothing is connected, and who ended the last one decides what may
begin the next: after "off" only whoever says "on", after silence whatever the mode allows. How the link
fares is no concern of this: a conversation goes on through outages, and the silence is counted on, or
a link that comes back in the night would listen to an empty room. Where none may be had at all (the
budget is spent), nobody begins one; the one that was ended by that goes on by itself where there is
always one.

Where a word begins conversations, silence is short: whoever said it is waited for, and after an answer
it takes no word for a while (the follow-up window).
"""

import enum
from typing import Final

import attrs

_LOOKS_EVERY_S: Final = 0.2  # for a quiet moment, once the time is up
_NEAR: Final = 0.8  # of the time that a conversation may last: somebody may want to know
_GRACE_S: Final = 30.0  # an answer may be finished, a long one may not keep a session for ever
_DOUBT_S: Final = 1.0  # a server says within less whether loud sound is speech


class Mode(enum.Enum):
    """What begins a conversation."""

    ALWAYS = "always"  # the start of the daemon; after a hang-up, speech
    PUSH_TO_TALK = "push_to_talk"  # the talk button, whose press is a turn as well
    ON_COMMAND = "on_command"
    WAKE_WORD = "wake_word"


class Cause(enum.Enum):
    """What has begun one."""

    COMMAND = "command"  # or the start
    BUTTON = "button"
    SPEECH = "speech"
    PERMISSION = "permission"  # it was forbidden, and is not any more
    WAKE_WORD = "wake word"


class Ended(enum.Enum):
    """What has ended the last one."""

    NEVER_BEGUN = "never begun"
    BY_COMMAND = "by command"
    BY_SILENCE = "by silence"
    BY_TIME = "by time"
    FORBIDDEN = "forbidden"
    BY_WORD = "by word"  # the stop word; the wake word begins the next one


WAITING: Final = "waiting for the wake word"
"""What the status says where only a word is wanting."""

_ENDED_BY_NOBODY: Final = frozenset({Ended.NEVER_BEGUN, Ended.FORBIDDEN})


@attrs.define(eq=False)
class Activation:
    """One daemon's. Times are seconds of any one clock; a limit of 0 is none."""

    mode: Mode = Mode.ALWAYS
    idle_hangup_s: float = 0.0
    session_max_s: float = 0.0
    follow_up_s: float = 0.0  # with a wake word: silence after an answer that ends it, 0: any
    forbidden: str = attrs.field(default="", init=False)  # why there may be none, if so
    _why: str = attrs.field(default="not activated", init=False)
    _ended: Ended | None = attrs.field(default=Ended.NEVER_BEGUN, init=False)  # None: active
    _since_s: float = attrs.field(default=0.0, init=False)
    _stirred_s: float = attrs.field(default=0.0, init=False)  # when anybody said anything last
    _warns_at_s: float = attrs.field(default=float("inf"), init=False)
    _patience_s: float = attrs.field(default=0.0, init=False)  # how much silence ends it now

    @property
    def active(self) -> bool:
        """Whether there is to be a conversation."""
        return self._ended is None

    @property
    def why(self) -> str:
        """Why nothing is connected; empty while there is a conversation."""
        if self.active:
            return ""
        return self.forbidden or (WAITING if self.begun_by(Cause.WAKE_WORD) else self._why)

    @property
    def needs_lull(self) -> bool:
        """Whether only new speech begins the next one: what went on for too long may still do."""
        return self._ended is Ended.BY_TIME

    @property
    def looks_for_silence(self) -> bool:
        """Whether silence ends conversations."""
        return self.idle_hangup_s > 0

    @property
    def off(self) -> bool:
        """Whether somebody has switched it off, and nobody on again."""
        return self._ended is Ended.BY_COMMAND

    def begun_by(self, cause: Cause) -> bool:
        """Whether *cause* may begin a conversation now."""
        if self.active or self.forbidden:
            return False
        match cause:
            case Cause.COMMAND:
                return True
            case Cause.BUTTON:
                return self.mode is Mode.PUSH_TO_TALK
            case Cause.SPEECH:
                hung_up = self._ended in {Ended.BY_SILENCE, Ended.BY_TIME}
                return hung_up and self.mode is Mode.ALWAYS
            case Cause.PERMISSION:
                return self._ended in _ENDED_BY_NOBODY and self.mode is Mode.ALWAYS
            case Cause.WAKE_WORD:
                return not self.off and self.mode is Mode.WAKE_WORD

    def forbid(self, why: str) -> None:
        """Nobody may begin one; *why* is for people. The one there is, is ended by `end`."""
        self.forbidden = why

    def permit(self) -> None:
        """There may be one again."""
        self.forbidden = ""

    def begin(self, now_s: float) -> None:
        """There is to be one from now on."""
        self._ended = None
        self._since_s = now_s
        self.called(now_s)
        self._warns_at_s = (
            now_s + _NEAR * self.session_max_s if self.session_max_s else float("inf")
        )

    def end(self, ended: Ended, why: str = "") -> None:
        """There is to be none; *why* is for people, where it was somebody's command."""
        self._ended = ended
        match ended:
            case Ended.BY_SILENCE:
                self._why = f"hung up after {self.idle_hangup_s:g} s of silence"
            case Ended.BY_TIME:
                self._why = f"hung up: a conversation lasts {self.session_max_s:g} s at most"
            case Ended.BY_COMMAND | Ended.NEVER_BEGUN | Ended.FORBIDDEN | Ended.BY_WORD:
                self._why = why or "not activated"

    def stirs(self, now_s: float) -> None:
        """Somebody spoke, wrote or was heard."""
        self._stirred_s = now_s

    def called(self, now_s: float) -> None:
        """Somebody wants something, and is waited for: from the beginning, or by the word again."""
        self._stirred_s, self._patience_s = now_s, self.idle_hangup_s

    def answered(self, now_s: float) -> None:
        """An answer is over: whoever has something to add may do so."""
        self._stirred_s = now_s
        if self.mode is Mode.WAKE_WORD:
            self._patience_s = self.follow_up_s

    def wakes_at_s(self, now_s: float) -> float:
        """When `due` should be asked next, unless it is over before; for ever, if nothing limits it."""
        at_s = float("inf")
        if self.idle_hangup_s:
            at_s = self._stirred_s + self._patience_s
        if self.session_max_s:
            at_s = min(at_s, self._since_s + self.session_max_s, self._warns_at_s)
        return max(at_s, now_s + _LOOKS_EVERY_S)

    def warning(self, now_s: float) -> str:
        """A sentence, once, when most of the time is over that a conversation may last."""
        if now_s < self._warns_at_s:
            return ""
        self._warns_at_s = float("inf")
        left_s = self._since_s + self.session_max_s - now_s
        return (
            f"this conversation ends in {left_s:.0f} s: it lasts {self.session_max_s:g} s at most"
        )

    def due(self, now_s: float, *, busy: bool, loud: bool = False) -> Ended | None:
        """What ends it now, if anything. *busy*: somebody speaks, is answered or is owed an answer;
        *loud*: the microphone hears what may be speech, and the server has not said so yet.
        """
        over_s = now_s - self._since_s - self.session_max_s
        if self.session_max_s and over_s >= (_GRACE_S if busy else 0.0):
            return Ended.BY_TIME
        if busy:
            self._stirred_s = now_s
            return None
        idle_s = now_s - self._stirred_s
        patience_s = self._patience_s + (_DOUBT_S if loud else 0.0)
        return Ended.BY_SILENCE if self.idle_hangup_s and idle_s >= patience_s else None
