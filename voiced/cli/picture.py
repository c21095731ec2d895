"""What `voicectl watch` knows: the daemon's card and events, put together to one picture. Pure.

Law of this file: it says what a message means for the picture, never how that looks. Times are seconds
of the watcher's own clock: what the daemon says of its clock is turned into that on arrival.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from voiced.cli import card
from voiced.control.commands import LAGGED, Topic

QUIETEST_DBFS: Final = -60.0
FALL_DB_PER_S: Final = 60.0
"""How fast a meter falls: a second from full to nothing, so that the eye can follow a syllable."""

UNANSWERED_S: Final = 3.0
"""A daemon that lives answers within milliseconds; one that has not for so long may hang."""

LOSS_IS_NEW_S: Final = 10.0

_KEPT: Final = 64  # more than the tallest screen shows
_LONGEST: Final = 2000  # characters of one utterance: a screenful and more

Told = Mapping[str, Any]


@define
class Meter:
    """How loud one direction is: up at once, down slowly."""

    _dbfs: float = QUIETEST_DBFS
    _at_s: float = 0.0

    def hears(self, dbfs: float, now_s: float) -> None:
        """Note a level."""
        self._dbfs, self._at_s = max(dbfs, self.dbfs(now_s)), now_s

    def dbfs(self, now_s: float) -> float:
        """What it shows."""
        return max(QUIETEST_DBFS, self._dbfs - FALL_DB_PER_S * (now_s - self._at_s))


@frozen
class Said:
    """Somebody's words, until now."""

    who: str
    text: str
    final: bool = True


@frozen
class Trouble:
    """Something that failed, or was back, and when."""

    what: str
    why: str
    at_s: float


@frozen
class LastTurn:
    """The turn that was over last."""

    outcome: str
    figures_ms: Mapping[str, int]
    heard_ms: int
    of_ms: int


@define(eq=False)
class Picture:
    """The daemon, as far as it has been told."""

    absence: str = ""  # there is nobody to be asked, in a few words; empty: there is
    away: str = ""  # the whole sentence
    may_read: bool = True
    version: str = ""
    phase: str = ""
    why: str = ""
    since_s: float = 0.0
    link: Told = field(factory=dict)
    resumes_at_s: float | None = None
    devices: Told = field(factory=dict)
    volume_percent: int | None = None
    turns: Told = field(factory=dict)
    latencies_ms: Mapping[str, Told] = field(factory=dict)
    usage: Told = field(factory=dict)
    meters: dict[str, Meter] = field(factory=lambda: {"user": Meter(), "assistant": Meter()})
    last_turn: LastTurn | None = None
    trouble: Trouble | None = None
    losses: Mapping[str, int] | None = None  # not told yet
    grown_s: dict[str, float] = field(factory=dict)  # when a loss was seen to grow
    lagged: int = 0
    _said: dict[tuple[str, str], Said] = field(factory=dict, repr=False)
    _asked_s: float | None = None  # since then the daemon owes an answer

    @property
    def said(self) -> list[Said]:
        """The words, the oldest first."""
        return list(self._said.values())

    # --- what was asked for

    def asks(self, now_s: float) -> None:
        """Something was asked of the daemon."""
        if self._asked_s is None:
            self._asked_s = now_s

    def hears(self) -> None:
        """The daemon lives."""
        self._asked_s = None

    def unanswered_s(self, now_s: float) -> float:
        """How long the daemon has owed an answer; 0 while that is nothing to speak of."""
        waited_s = 0.0 if self._asked_s is None else now_s - self._asked_s
        return waited_s if waited_s >= UNANSWERED_S else 0.0

    def meets(self, hello: Told) -> None:
        """Take in who the daemon is, and what it lets us see."""
        self.version = hello["version"]
        self.may_read = Topic.TRANSCRIPT.value in hello["topics"]

    def recalls(self, history: Told) -> None:
        """Take in what was said before we came."""
        for number, entry in enumerate(history["entries"]):
            self._says((entry["who"], f"history {number}"), Said(entry["who"], entry["text"]))

    def reads(self, card: Told, now_s: float) -> None:
        """Take in the whole card."""
        self.version = card["version"]
        self.phase, self.why = card["phase"], card["why"]
        self.since_s = now_s - card["for_s"]
        self._links(card["link"], now_s)
        self.devices = card["devices"]
        self.volume_percent = card["volume_percent"]
        self.turns, self.latencies_ms = card["turns"], card["latencies_ms"]
        self.usage = {"budget": card.get("budget", {}), **card.get("usage", {})}
        self._counts(card["tally"], now_s)

    # --- what is told

    def event(self, topic: str, told: Told, now_s: float) -> bool:
        """Take in an event; True if the card has changed by it, beyond what it says itself."""
        match topic:
            case Topic.PHASE.value:
                if told["phase"] != self.phase:
                    self.since_s = now_s
                self.phase, self.why = told["phase"], told["why"]
                self._links(told["link"], now_s)
            case Topic.TRANSCRIPT.value:
                words = Said(told["who"], told["text"][-_LONGEST:], told["final"])
                self._says((told["who"], told["item_id"]), words)
            case Topic.LEVEL.value:
                for who, meter in self.meters.items():
                    meter.hears(told.get(f"{who}_dbfs", QUIETEST_DBFS), now_s)
            case Topic.TURN.value:
                self.last_turn = LastTurn(
                    told["outcome"], told["figures_ms"], told["heard_ms"], told["of_ms"]
                )
            case Topic.FAULT.value:
                self.trouble = Trouble(told["what"], told["why"], now_s)
                self._links(told["link"], now_s)
            case Topic.TALLY.value:
                self._counts(told["counts"], now_s)
            case _ if topic == LAGGED:
                self.lagged += told["count"]
            case _:
                pass  # a newer daemon may tell more
        return topic in {Topic.TURN.value, Topic.FAULT.value}

    def moves(self, now_s: float) -> bool:
        """Whether it changes by itself from moment to moment: a meter falls."""
        return any(meter.dbfs(now_s) > QUIETEST_DBFS for meter in self.meters.values())

    def resumes_in_s(self, now_s: float) -> float | None:
        """Seconds until the next connection is tried; None: none waits."""
        return None if self.resumes_at_s is None else max(0.0, self.resumes_at_s - now_s)

    def newly_lost(self, now_s: float) -> frozenset[str]:
        """The losses that grew a moment ago."""
        return frozenset(n for n, at_s in self.grown_s.items() if now_s - at_s < LOSS_IS_NEW_S)

    def _links(self, link: Told, now_s: float) -> None:
        resumes_in_s = link["resumes_in_s"]
        self.link = link
        self.resumes_at_s = None if resumes_in_s is None else now_s + resumes_in_s

    def _says(self, which: tuple[str, str], words: Said) -> None:
        if not words.text.strip():
            self._said.pop(which, None)
            return
        self._said[which] = words
        while len(self._said) > _KEPT:
            del self._said[next(iter(self._said))]

    def _counts(self, tally: Mapping[str, int], now_s: float) -> None:
        losses = card.losses(tally)
        if self.losses is not None:
            grown = [name for name in losses if losses[name] > self.losses.get(name, 0)]
            self.grown_s |= dict.fromkeys(grown, now_s)
        self.losses = losses
