"""Scribe: writes down who said what, as it was heard, and how long everything took."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs
import trio

from voiced.account.prices import Bill
from voiced.actors.answers import Answer
from voiced.audio.format import samples_to_ms
from voiced.counts import Counts
from voiced.link.memory import Entry, Memory, Restored, Words
from voiced.logbook.lines import turn_line
from voiced.messages import Playout
from voiced.notices import Happened, Moment, NoticeBoard, Party, Status, Transcribed, TurnEnded
from voiced.realtime.client_events import AssistantText, UserText
from voiced.turns.figures import Turn
from voiced.turns.timeline import Timeline
from voiced.turns.transcript import Transcript, Transcripts

log = logging.getLogger(__name__)

_LOOKS_EVERY_S: Final = 0.1  # a spoken word lasts about three times as long
_REMEMBERED_AS: Final[Mapping[Party, type[Words]]] = MappingProxyType(
    {Party.USER: UserText, Party.ASSISTANT: AssistantText}
)


@attrs.define(eq=False)
class Scribe:
    """Keeps words and timeline for the board, and the conversation for the next session; over all
    sessions, for an answer may outlive its own.

    Receives: words from the Downlink, and written ones from the Moderator; playouts from the
    Narrator; every moment from the board. Says: `Transcribed`
    and `TurnEnded`; a log line for each turn, never with words in it. Loses, counted: the end of a
    text without end. Ends: never by itself; while nothing sounds or nobody watches, it sleeps.
    """

    board: NoticeBoard
    counts: Counts
    memory: Memory
    carry_over_s: float = 900.0  # since the last word: who speaks later is somebody else
    bill: Callable[[], Bill] = Bill  # of what was used since this was asked last
    timeline: Timeline = attrs.field(factory=Timeline, init=False)
    _texts: dict[Party, Transcripts] = attrs.field(init=False)
    _last: dict[Party, Transcript] = attrs.field(factory=dict, init=False)
    _sounding: dict[str, tuple[Answer, Playout]] = attrs.field(factory=dict, init=False)
    _restored: Restored | None = attrs.field(default=None, init=False)
    _last_word_s: float | None = attrs.field(default=None, init=False)  # in this life
    _wake: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._texts = {who: Transcripts() for who in Party}
        self.board.keeper = self

    async def run(self) -> None:
        """Pace the words of answers for whoever watches."""
        while True:
            await self._wake.wait()
            while self._sounding and self.board.watched:
                self._look()
                await trio.sleep(_LOOKS_EVERY_S)
            self._wake = trio.Event()

    # Told by the Downlink and its helpers. No await: the next event waits.

    def begins(self, who: Party, item_id: str) -> None:
        """An item joined the conversation; its words may come after those of later ones."""
        self.memory.opens(_REMEMBERED_AS[who], item_id)

    def says(self, who: Party, item_id: str, delta: str) -> None:
        """A stretch of an item's words: ahead of the commit, or of the sound."""
        words = self._words(who, item_id)
        self.counts.long_text_chars += words.grow(delta)
        self._tell(trio.current_time(), who, item_id)

    def said(self, who: Party, item_id: str, text: str | None = None) -> None:
        """All of an item's words, or (None) no more than came; a user's perhaps long after."""
        words = self._words(who, item_id)
        self.counts.long_text_chars += words.complete(text)
        self._tell(trio.current_time(), who, item_id)

    def sounds(self, answer: Answer, playout: Playout) -> None:
        """An answer is on its way to the ear."""
        self._sounding[answer.item_id] = answer, playout

    # Asked and told by whoever opens a session, or wants to read what was said.

    def carry(self, tokens: int, after: int = 0) -> tuple[Entry, ...]:
        """What of the conversation until now a new session should know; see `Memory.carry`. Nothing, if
        nobody has said a word for long: a kiosk's next visitor is not told of the last one's.
        """
        self._look()
        last_s = self._last_word_s
        if last_s is not None and trio.current_time() - last_s > self.carry_over_s:
            self.memory.forget()
        return self.memory.carry(tokens, after)

    def forget(self) -> None:
        """The conversation is over for good: the next is told nothing of it."""
        self.memory.forget()

    def newest(self, most: int) -> tuple[Entry, ...]:
        """What was said and heard last."""
        self._look()
        return self.memory.newest(most)

    def restored(self, restored: Restored) -> None:
        """So much of it is in the session of now."""
        log.info("context: %s", restored)
        self._restored = restored

    # Told and asked by the board, whose keeper this is.

    def note(self, happened: Happened) -> None:
        """Let words and timeline follow what happened."""
        match happened.moment:
            case Moment.FIRST_SOUND:
                self._wake.set()
            case Moment.PLAYED | Moment.CUT | Moment.UNHEARD if happened.item_id in self._sounding:
                self._settle(happened.item_id, happened.at_s, happened.heard_ms)
            case Moment.DISMISSED if happened.item_id:
                self.memory.drops(UserText, happened.item_id)
            case Moment.DIALLING | Moment.RENEWED | Moment.COOLING | Moment.GAVE_UP:
                self._no_more_words(happened.at_s)
            case Moment.INACTIVE:  # what is cut by that is settled when it is silent
                self._no_more_words(happened.at_s)
            case Moment.STOPPED:
                for item_id, (_, playout) in tuple(self._sounding.items()):
                    heard_ms = samples_to_ms(playout.heard_so_far())
                    self._settle(item_id, happened.at_s, heard_ms)
                self._no_more_words(happened.at_s)
            case _:
                pass
        for turn in self.timeline.note(happened.moment, happened.at_s, happened.item_id):
            self._write(turn, happened.at_s)

    def watched(self) -> None:
        """Somebody came: what sounds already is paced from now on."""
        self._wake.set()

    def fill_in(self, status: Status) -> Status:
        """Add the last words, as heard until now, and the figures."""
        self._look()
        said = {who: words.shown for who, words in self._last.items()}
        return attrs.evolve(
            status,
            user_words=said.get(Party.USER, ""),
            assistant_words=said.get(Party.ASSISTANT, ""),
            turns=dict(self.timeline.outcomes),
            latencies=self.timeline.percentiles(),
            context="" if self._restored is None else str(self._restored),
        )

    # How it is done.

    def _words(self, who: Party, item_id: str) -> Transcript:
        words = self._texts[who].of(item_id)
        if who is Party.USER:
            words.show_all()  # nobody has to hear them first
        return words

    def _look(self) -> None:
        """Let the words follow the sound."""
        for item_id, (answer, playout) in self._sounding.items():
            heard_ms = samples_to_ms(playout.heard_so_far())
            words = self._words(Party.ASSISTANT, item_id)
            words.hear(heard_ms, answer.received_ms, more_comes=not answer.complete)
            self._tell(trio.current_time(), Party.ASSISTANT, item_id)

    def _settle(self, item_id: str, at_s: float, heard_ms: int) -> None:
        """An item fell silent: whole, or its words end where its sound did."""
        answer, _ = self._sounding.pop(item_id)
        words, of_ms = self._words(Party.ASSISTANT, item_id), answer.received_ms
        if answer.complete and heard_ms >= of_ms:
            words.show_all()
        else:
            words.cut(heard_ms, of_ms, more_comes=not answer.complete)
        self._tell(at_s, Party.ASSISTANT, item_id)
        self.timeline.heard(item_id, min(heard_ms, of_ms), of_ms)

    def _no_more_words(self, at_s: float) -> None:
        """The link is lost; the next session may name its items as this one did."""
        for who, texts in self._texts.items():
            for item_id, words in texts:
                if who is Party.ASSISTANT and item_id in self._sounding:
                    words.break_off(self._sounding[item_id][0].received_ms)
                else:
                    words.complete()
                self._tell(at_s, who, item_id)
            texts.forget_all_but(self._sounding)
        self.memory.forget_names(self._sounding)

    def _tell(self, at_s: float, who: Party, item_id: str) -> None:
        """Remember and post what may be known of an item's words, if that is new."""
        words = self._words(who, item_id)
        if who is Party.ASSISTANT or words.final:  # a user's may still be corrected
            self.memory.fills(_REMEMBERED_AS[who], item_id, words.remembered)
        if words.shown:
            self._last[who] = words
        if words.has_news():
            self._last_word_s = trio.current_time()
            self.board.post(Transcribed(at_s, who, item_id, words.shown, final=words.final))

    def _write(self, turn: Turn, at_s: float) -> None:
        bill = self.bill()
        log.info(turn_line(turn, bill, self.timeline.percentiles(), self.board.link.session_id))
        self.board.post(TurnEnded(at_s, turn, bill))
