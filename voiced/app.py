"""The composition root: settings and ports in, a daemon out. The only module that knows every actor;
who stands behind the ports, only `outside.py` and `hardware.py` know.

Attendant > microphone -> Capture -> blocks -> Framer > (Echo, Door) -> frames -> Uplink -> wire
                                               Framer -> Doorman > Switch
Attendant > loudspeaker <- Player <- playouts <- Narrator <------ Downlink <--- wire
                                   playouts <- Announcer <- board
entrance -> Steward (Herald <- board) -> Supervisor
Supervisor > (Switch, Conversation) > Talk > (Uplink, Downlink, Narrator, Moderator) -> Scribe
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs
import trio

from voiced.actors.accountant import Accountant
from voiced.actors.announcer import Announcer
from voiced.actors.bookkeeper import Bookkeeper
from voiced.actors.conversation import Conversation
from voiced.actors.doorman import Doorman
from voiced.actors.operator import Reload
from voiced.actors.scribe import Scribe
from voiced.actors.steward import Steward
from voiced.actors.supervisor import Supervisor
from voiced.actors.switch import Switch
from voiced.actors.talk import House
from voiced.audio.format import Frame, frames_in_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.wire import WireFormat
from voiced.channel import Channel, WhenFull
from voiced.config.whole import Config
from voiced.counts import Counts
from voiced.faults import VoicedError
from voiced.link.cooldown import Cooldown
from voiced.link.door import Door
from voiced.link.ladder import Ladder
from voiced.link.memory import Memory
from voiced.link.renewal import Renewal
from voiced.link.tape import Tape
from voiced.logbook.entry import Entry
from voiced.messages import Playout, Volume
from voiced.metrics.histogram import Durations
from voiced.notices import NoticeBoard
from voiced.outside import Ports
from voiced.sound import Sound
from voiced.staff import (
    accountant_from,
    archivist_from,
    doorman_from,
    keys_from,
    lookout_from,
    meter_from,
    panel_from,
    warden_from,
    watchman_from,
)
from voiced.tallies import Tallies
from voiced.terms import (
    activation_from,
    door_from,
    echo_from,
    habits_from,
    mute_switch_from,
    opening_from,
    summons_from,
    words_from,
)
from voiced.verdicts import gravest

log = logging.getLogger(__name__)

_PLAYOUTS: Final = 8  # a ninth waiting answer is a fault worth seeing


@attrs.frozen(kw_only=True)
class Legacy:
    """What one life leaves to the next, where new settings want another one."""

    memory: Memory = attrs.field(factory=Memory)
    muted: bool = False
    off: bool = False  # deactivated
    volume_percent: int | None = None  # as somebody has asked for; None: as the settings say


@attrs.define(eq=False)
class Daemon:
    """All actors, wired. `run` is their life; `supervisor.stop()` ends it in order."""

    config: Config
    ports: Ports
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    legacy: Legacy = attrs.field(factory=Legacy)  # of an earlier life, if there was one
    reload: Reload | None = None  # where the settings come from a file
    papers: Callable[[], Mapping[str, object]] = dict  # of the process, for a dump
    durations: Durations = attrs.field(factory=Durations)
    stays: bool = False  # where only a person can mend, or a device is missing: wait, or end
    mended: Callable[[], Awaitable[None]] = (
        trio.sleep_forever
    )  # returns when a person did something
    frames: Channel[Frame] = attrs.field(init=False)
    playouts: Channel[Playout] = attrs.field(init=False)
    memory: Memory = attrs.field(init=False)
    volume: Volume = attrs.field(init=False, factory=Volume)
    tape: Tape = attrs.field(init=False)
    accountant: Accountant = attrs.field(init=False)
    door: Door = attrs.field(init=False)
    scribe: Scribe = attrs.field(init=False)
    announcer: Announcer | None = attrs.field(init=False, default=None)
    jitter: JitterBuffer = attrs.field(init=False)
    sound: Sound = attrs.field(init=False)
    tallies: Tallies = attrs.field(init=False)
    supervisor: Supervisor = attrs.field(init=False)
    doorman: Doorman | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        self.frames = Channel("frames", frames_in_ms(config.uplink.keep_ms), WhenFull.DROP_OLDEST)
        self.playouts = Channel("playouts", _PLAYOUTS, WhenFull.DROP_NEWEST)
        self.memory = self.legacy.memory
        self.jitter = JitterBuffer(config.playout.min_ms, config.playout.max_ms)
        self.tape = Tape(config.limits.max_turn_ms, config.uplink.keep_ms)
        wanted_percent = self.legacy.volume_percent
        self.volume.set_owner(
            config.playout.volume_percent if wanted_percent is None else wanted_percent
        )
        self.door = door_from(config)
        if self.legacy.muted or self._was_muted():
            log.warning("muted as before: nothing is heard until voicectl unmute")
            self.door.mute()
        self.accountant = accountant_from(config, self.ports, self.board, self.counts)
        self.scribe = Scribe(
            self.board,
            self.counts,
            self.memory,
            config.realtime.carry_over_s,
            self.accountant.turn_ends,
        )
        self.supervisor = self._supervisor()
        self.doorman = doorman_from(config, self.ports, self.supervisor.switch.called)
        self.sound = self._sound()
        self.tallies = Tallies(
            self.counts,
            self.sound.blocks,
            self.frames,
            self.playouts,
            self.tape,
            self.memory,
            None if self.doorman is None else self.doorman.waiting,
        )
        if config.notices.mode != "off":
            self.announcer = Announcer(
                self.playouts, self.board, self.counts, self.ports.voice, words_from(config)
            )
            self.supervisor.hush = self.announcer.hush

    def _supervisor(self) -> Supervisor:
        config = self.config
        cooldown = Cooldown(
            first_s=config.link.first_pause_s,
            longest_s=config.link.longest_pause_s,
            healthy_s=config.link.healthy_after_s,
        )
        conversation = self._conversation(cooldown)
        return Supervisor(
            conversation=conversation,
            switch=Switch(
                activation=activation_from(config),
                conversation=conversation,
                tail_ms=config.turns.tail_ms,
                greeting=config.realtime.greeting,
                summons=summons_from(config),
                mute_switch=mute_switch_from(config),
            ),
            cooldown=cooldown,
            ladder=Ladder(config.realtime.fallback_models),
            accountant=self.accountant,
            board=self.board,
            stays=self.stays,
            begins_off=self.legacy.off,
            fault_retry_s=config.link.fault_retry_s,
            mended=self.mended,
            hide=self.ports.hide,
            secrets_renew=config.auth.mode != "key",
        )

    def _sound(self) -> Sound:
        return Sound(
            config=self.config,
            ports=self.ports,
            board=self.board,
            counts=self.counts,
            door=self.door,
            echo=echo_from(self.config, self.ports.canceller),
            volume=self.volume,
            jitter=self.jitter,
            frames=self.frames,
            playouts=self.playouts,
            waits=self.stays,
            speech=self.supervisor.switch.speech,
            overhears=None if self.doorman is None else self.doorman.hear,
        )

    def _conversation(self, cooldown: Cooldown) -> Conversation:
        config = self.config
        habits = habits_from(config)
        wire_format = WireFormat(config.realtime.audio_format)
        return Conversation(
            dialler=self.ports.dialler,
            opening=opening_from(config),
            house=House(
                frames=self.frames,
                playouts=self.playouts,
                volume=self.volume,
                board=self.board,
                scribe=self.scribe,
                jitter=self.jitter,
                counts=self.counts,
                tape=self.tape,
                accountant=self.accountant,
                button=habits.button(),
                door=self.door,
                mouth_to_wire=self.durations.mouth_to_wire,
            ),
            habits=habits,
            renewal=Renewal(config.realtime.renew_after_s),
            cooldown=cooldown,
            batch_ms=config.uplink.batch_ms,
            longest_ms=config.playout.longest_ms,
            keep_ms=config.uplink.keep_ms,
            carry_over_tokens=config.realtime.carry_over_tokens,
            wire_format=wire_format,
        )

    async def run(self) -> None:
        """Live until stopped. Raises the one `VoicedError` that ended it, if one did.

        Devices and link open side by side; on a stop the link closes first, then the devices.
        """
        try:
            async with trio.open_nursery() as nursery:
                await self._begin_staff(nursery)
                nursery.start_soon(self.sound.listen, name="microphone")
                nursery.start_soon(self.sound.play, name="loudspeaker")
                nursery.start_soon(self.scribe.run, name="scribe")
                if self.announcer is not None:
                    nursery.start_soon(self.announcer.run, name="announcer")
                if self.ports.entrance is not None:
                    steward = self._steward()
                    nursery.start_soon(steward.herald.run, name="herald")
                    nursery.start_soon(self.ports.entrance.serve, steward.attend, name="entrance")
                await self.supervisor.run()
                nursery.cancel_scope.cancel()
        except* VoicedError as group:
            raise gravest(group) from None
        finally:
            self._account()

    async def _begin_staff(self, nursery: trio.Nursery) -> None:
        """Whoever serves the owner begins before there is anything to tell, keep or refuse."""
        config, ports, board, tallies = self.config, self.ports, self.board, self.tallies
        if meter := meter_from(config, ports, board, self.durations, tallies):
            await nursery.start(meter.run, name="meter")  # first: it may be refused
        bookkeeper = Bookkeeper(tallies.losses(), cause=lambda: board.trouble)
        self.accountant.begin()
        nursery.start_soon(self.accountant.run, name="accountant")
        nursery.start_soon(bookkeeper.run, name="bookkeeper")
        for name, actor in {
            "archivist": archivist_from(config, ports, self.memory),
            "doorman": self.doorman,
            "lookout": lookout_from(ports, board),
            "warden": warden_from(ports, board, self.supervisor.switch.mute_switch),
            "panel": panel_from(config, ports, board, self.counts, self.supervisor),
            "keys": keys_from(config, ports, board, self.counts, self.supervisor),
            "watchman": watchman_from(config, ports, board, self.sound.glances),
        }.items():
            if actor is not None:
                nursery.start_soon(actor.run, name=name)

    def _was_muted(self) -> bool:
        """Whether a life before this process has ended muted. It blocks: nothing else lives yet."""
        keeper = self.ports.mute_keeper
        return keeper is not None and keeper.muted()

    def bequeath(self) -> Legacy:
        """What the next life goes on with, that of other settings."""
        percent, switch = self.volume.owner_percent, self.supervisor.switch
        return Legacy(
            memory=self.memory,
            muted=switch.mute_switch.by_others,
            off=switch.activation.off,
            volume_percent=percent if percent != self.config.playout.volume_percent else None,
        )

    def adopt(self, config: Config) -> None:
        """Go by new settings, as far as `config.changes.REACHES` says that this life can."""
        self.sound.adopt(config)
        supervisor = self.supervisor
        supervisor.fault_retry_s = config.link.fault_retry_s
        supervisor.cooldown.first_s = config.link.first_pause_s
        supervisor.cooldown.longest_s = config.link.longest_pause_s
        supervisor.cooldown.healthy_s = config.link.healthy_after_s
        opening, habits = opening_from(config), habits_from(config)
        if opening != supervisor.conversation.opening or habits != supervisor.conversation.habits:
            supervisor.conversation.adopt(opening, habits)

    def _steward(self) -> Steward:
        return Steward(
            operator=self.supervisor,
            board=self.board,
            scribe=self.scribe,
            volume=self.volume,
            numbers=self.tallies.numbers,
            requests_per_s=self.config.control.requests_per_s,
            reload=self.reload,
            papers=self.papers,
        )

    def _account(self) -> None:
        """The whole life in one line."""
        told = {name: count for name, count in self.tallies.numbers().items() if count}
        log.info(Entry("stopped", told, "" if told else "nothing sent, nothing lost"))
