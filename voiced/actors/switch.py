"""Switch: begins and ends conversations, and mutes the microphone, for whoever may."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors.conversation import Conversation
from voiced.actors.talk import House
from voiced.audio.format import Frame, frames_in_ms
from voiced.audio.level import dbfs
from voiced.link.activation import Activation, Cause, Ended, Mode
from voiced.link.mute_switch import MuteSwitch
from voiced.link.wake import Spotted, Summons, tail_frames
from voiced.notices import Happened, Moment

log = logging.getLogger(__name__)

_OFF: Final = "deactivated"
_STIRS: Final = frozenset(
    {
        Moment.SPEECH_START,
        Moment.SPEECH_STOPPED,
        Moment.ASKED,
        Moment.COMMITTED,
        Moment.RESPONSE_CREATED,
        Moment.FIRST_SOUND,
        Moment.CUT,
    }
)
"""What is no silence. That a link is open, lost or open again is nothing that anybody said."""


@attrs.define(eq=False, kw_only=True)
class Switch:
    """Decides when the Supervisor may keep a conversation going, and what it is begun with.

    Receives: what people want, words that are listened for, speech and time, every moment from the
    board. Says: `INACTIVE`, `WOKEN`, `MUTED` and `UNMUTED`; to the door, what may go on. Loses, counted there: what was said to nobody. Ends:
    never by itself.
    """

    activation: Activation
    conversation: Conversation
    tail_ms: int  # of a turn of the talk button's, after its release
    greeting: str = ""
    summons: Summons = attrs.field(factory=Summons)
    mute_switch: MuteSwitch = attrs.field(factory=MuteSwitch)
    waits_for_help: bool = attrs.field(default=False, init=False)  # a fault is not hung up on
    _house: House = attrs.field(init=False)
    _wanted: trio.Event = attrs.field(factory=trio.Event, init=False)
    _span: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _tape_from_s: float = attrs.field(default=float("-inf"), init=False)
    _sooner: trio.Event = attrs.field(factory=trio.Event, init=False)  # patience has changed

    def __attrs_post_init__(self) -> None:
        self._house = self.conversation.house
        self.mute_switch.by_others = self._house.door.muted  # in an earlier life
        if self.mute_switch.holds:
            log.info("muted until the mute switch was read")
            self._house.door.mute()
        self._house.board.follow(self._note)
        self._house.door.shut()  # until one begins
        self._listen()

    # What people may do; each is False if it does nothing now.

    def activate(self) -> bool:
        """Begin a conversation. A pause that the link's faults have made is not cut short by it."""
        return self._begin(Cause.COMMAND)

    def deactivate(self, why: str = "") -> bool:
        """End the conversation, in the middle of an answer too; *why*: a sentence for the status."""
        return self._end(Ended.BY_COMMAND, why or _OFF)

    def speech(self) -> bool:
        """Somebody seems to speak: a conversation that silence or time has ended is begun again."""
        if self.activation.needs_lull and not self._house.door.lull_before:
            return False  # a radio would never be hung up on
        return self._begin(Cause.SPEECH)

    def called(self, spotted: Spotted) -> bool:
        """A word that is listened for was said: one begins a conversation, or has an answer fall silent
        and listens; another ends the conversation, in the middle of an answer too.
        """
        if spotted.word in self.summons.stops:
            done = self._end(Ended.BY_WORD)
        else:
            done = self._begin(Cause.WAKE_WORD, spotted) or self._call_again()
        if done:
            log.info("called word=%s", spotted.word)
            self._post(Moment.WOKEN, spotted.word)
        return done

    def press(self) -> bool:
        """Put the talk button down; where that begins conversations, it begins one."""
        house, talk = self._house, self.conversation.talk
        if house.door.muted:
            return False
        if talk is not None and self.activation.active:
            return talk.press()
        if house.button is None or self.activation.mode is not Mode.PUSH_TO_TALK:
            return False
        if not self._begin(Cause.BUTTON):
            self._go_on(house.door.resume())
        return house.button.press()

    def release(self) -> bool:
        """Let the talk button go. Before a session is open, its turn waits whole for one."""
        house, talk = self._house, self.conversation.talk
        if talk is not None:
            return talk.release()
        if house.button is None or not house.button.release(house.tape.waiting + len(house.frames)):
            return False
        house.door.shut_after(self.tail_ms)
        return True

    def mute(self) -> bool:
        """Hear nothing more, whatever becomes of sessions; what is being answered is answered."""
        self.mute_switch.by_others = True
        return self._mute()

    def _mute(self) -> bool:
        if self._house.door.muted:
            return False
        self.release()
        self._house.door.mute()
        log.info("muted")
        self._post(Moment.MUTED)
        return True

    def unmute(self) -> bool:
        """Hear again, unless the mute switch says otherwise."""
        if self.mute_switch.holds:
            return False
        self.mute_switch.by_others = False
        if not self._house.door.unmute(trio.current_time()):
            return False
        log.info("unmuted")
        self._post(Moment.UNMUTED)
        return True

    def turn_mute_switch(self, *, muted: bool) -> bool:
        """The mute switch stands like this now."""
        mute = self.mute_switch.turn(muted=muted)
        if mute is None:
            return False
        return self._mute() if mute else self.unmute()

    @property
    def muted(self) -> bool:
        """Whether nothing is heard."""
        return self._house.door.muted

    # How the Supervisor is told.

    def start(self, *, off: bool = False) -> None:
        """The daemon begins to live; *off*: as somebody has left an earlier life."""
        if off:
            self.activation.end(Ended.BY_COMMAND, _OFF)
        elif self.activation.mode is Mode.ALWAYS:
            self._begin(Cause.COMMAND)

    async def until_wanted(self) -> None:
        """Wait until there is to be a conversation. No session is in use."""
        while not self.activation.active:
            log.info("inactive: %s", self.activation.why)
            self._post(Moment.INACTIVE, self.activation.why)
            await self._wanted.wait()
        self._house.tape.forget_before(self._tape_from_s)

    async def hold(self, converse: Callable[[], Awaitable[NoReturn]]) -> None:
        """Let *converse* go on until the conversation is ended."""
        with trio.CancelScope() as self._span:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, name="watch for silence")
                await converse()

    def forbid(self, why: str) -> None:
        """There may be no conversation: end the one there is; *why* is for the status."""
        self.activation.forbid(why)
        if not self._end(Ended.FORBIDDEN):
            self._look_again()  # the status tells another reason now

    def permit(self) -> None:
        """There may be one again; where there is always one, it goes on."""
        self.activation.permit()
        if not self._begin(Cause.PERMISSION):
            self._look_again()

    # How it is done. No await: what is said meanwhile is said before or after.

    def _begin(self, cause: Cause, spotted: Spotted | None = None) -> bool:
        if not self.activation.begun_by(cause):
            return False
        now_s, house = trio.current_time(), self._house
        log.info("active by=%s", cause.value)
        self.activation.begin(now_s)
        # Only speech goes on with what a session heard before: it may have begun before the hang-up.
        pre_roll_s = house.door.pre_roll_ms / 1000 if cause is Cause.SPEECH else 0.0
        self._tape_from_s = now_s - pre_roll_s
        self._go_on(house.door.open(now_s) if spotted is None else self._since(spotted, now_s))
        # Who speaks or presses the button wants to be heard, not greeted.
        self.conversation.greeting = self.greeting if cause is Cause.COMMAND else ""
        self._listen()
        self._wanted.set()
        return True

    def _call_again(self) -> bool:
        if not self.activation.active:
            return False
        self.activation.called(trio.current_time())
        self._sooner.set()
        if self.conversation.sounding:  # what is only being made may answer this very sentence
            self.conversation.silence()
        return True

    def _end(self, ended: Ended, why: str = "") -> bool:
        if not self.activation.active:
            return False
        house = self._house
        self.activation.end(ended, why)
        if ended is not Ended.FORBIDDEN:  # what has come is paid for
            self.conversation.silence()
        self.conversation.greeting = ""
        if ended is Ended.BY_COMMAND:
            house.scribe.forget()  # who switches it on again may be somebody else
        if house.button is not None:
            house.counts.frames_withheld += house.button.forget()
        house.door.shut(house.frames.take_back(), trio.current_time())
        self._listen()
        self._wanted = trio.Event()
        self._span.cancel()
        return True

    def _look_again(self) -> None:
        """Whoever waits for a conversation is to see whether there is one, and else why not."""
        self._wanted.set()
        if not self.activation.active:
            self._wanted = trio.Event()

    def _since(self, spotted: Spotted, now_s: float) -> list[Frame]:
        """What was said from the word on, or since the word."""
        back_ms = self.summons.back_ms
        frames = self._house.door.open(now_s, spotted.at_s - back_ms / 1000)
        if self.summons.sends_word:
            return frames
        tail = tail_frames([dbfs(frame) for frame in frames[: frames_in_ms(back_ms)]])
        self._house.counts.frames_withheld += tail
        return frames[tail:]

    def _go_on(self, frames: list[Frame]) -> None:
        for frame in frames:
            self._house.frames.offer(frame)

    def _listen(self) -> None:
        """Have the door judge loudness while that matters: it costs a little."""
        ends = self.activation.active and self.activation.looks_for_silence
        begins = self.activation.begun_by(Cause.SPEECH)
        self._house.door.listens = ends or begins or self._house.door.gate is not None

    async def _watch(self) -> NoReturn:
        """End a conversation that nobody goes on with, or that lasts too long."""
        while True:
            self._sooner = trio.Event()
            with trio.move_on_at(self.activation.wakes_at_s(trio.current_time())):
                await self._sooner.wait()
                continue
            now_s = trio.current_time()
            if warning := self.activation.warning(now_s):
                log.warning("%s", warning)
                self._post(Moment.BUDGET, warning)
            if self.waits_for_help:
                self.activation.stirs(now_s)
                continue
            busy, loud = self.conversation.busy, self._house.door.loud
            if (ended := self.activation.due(now_s, busy=busy, loud=loud)) is not None:
                self._end(ended)

    def _note(self, happened: Happened) -> None:
        if happened.moment is Moment.PLAYED:
            self.activation.answered(trio.current_time())
            self._sooner.set()
        elif happened.moment in _STIRS:
            self.activation.stirs(trio.current_time())

    def _post(self, moment: Moment, why: str = "") -> None:
        self._house.board.post(Happened(trio.current_time(), moment, detail=why))
