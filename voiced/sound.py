"""Both devices and those who work with them: the half of the daemon that a room sees and hears.

Belongs here: how Attendants, Capture, Framer, Player and Signaller are wired, and what is asked of them as
one.

Attendant > microphone -> Capture -> blocks -> Framer > (Echo, Door) -> frames
Attendant > loudspeaker (-> far end -> Framer) <- Player <- playouts <- Signaller <- board
"""

from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from voiced.actors.attendant import Attendant
from voiced.actors.capture import Block, Capture
from voiced.actors.framer import Framer
from voiced.actors.player import Player
from voiced.actors.signaller import Signaller
from voiced.audio.conditioning import Conditioning
from voiced.audio.echo.handling import Echo, EchoMode
from voiced.audio.format import Frame
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel, WhenFull
from voiced.config.whole import Config
from voiced.counts import Counts
from voiced.link.absence import Absence
from voiced.link.dead_air import DeadAir
from voiced.link.door import Door
from voiced.link.progress import Glance, Part
from voiced.messages import Playout, Volume
from voiced.notices import Device, NoticeBoard, Phase
from voiced.outside import Ports
from voiced.ports import OpenMicrophone
from voiced.terms import tones_from

_BLOCKS_MS: Final = 200  # the Framer is arithmetic: a full channel here means the machine is ill
_FLOOR_TAKEN: Final = frozenset({Phase.HEARING, Phase.THINKING, Phase.SPEAKING})


@attrs.define(eq=False, kw_only=True)
class Sound:
    """Microphone and loudspeaker, each kept open and used, through breaks and new devices."""

    config: Config
    ports: Ports
    board: NoticeBoard
    counts: Counts
    door: Door
    echo: Echo
    volume: Volume
    jitter: JitterBuffer
    frames: Channel[Frame]
    playouts: Channel[Playout]
    waits: bool  # for a device that is missing at the start
    speech: Callable[[], object] = lambda: None  # somebody seems to have begun to speak
    overhears: Callable[[Frame, float], object] | None = (
        None  # all that is heard, whatever the door says
    )
    blocks: Channel[Block] = attrs.field(init=False)
    conditioning: Conditioning = attrs.field(init=False)
    player: Player = attrs.field(init=False)
    signaller: Signaller = attrs.field(init=False)
    microphone: Attendant[OpenMicrophone] = attrs.field(init=False)
    _air: DeadAir = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        blocks = max(1, _BLOCKS_MS // config.capture.block_ms)
        self.blocks = Channel("capture blocks", blocks, WhenFull.DROP_OLDEST)
        self.conditioning = Conditioning(config.capture.gain_db, config.capture.high_pass_hz)
        self.player = Player(
            self.playouts,
            self.jitter,
            self.board,
            self.counts,
            config.playout.sleeps_after_s,
            self.volume,
            config.devices.keep_answers_ms / 1000,
            config.playout.wake_sink_ms,
        )
        self.volume.allow(config.playout.max_volume_percent)
        self.signaller = Signaller(
            playouts=self.playouts,
            board=self.board,
            counts=self.counts,
            tones=tones_from(config),
            muted=lambda: self.door.muted,
            deafens=self._deafens,
        )
        self._air = DeadAir(0.0 if config.capture.from_file else config.devices.dead_mic_s)
        self.microphone = Attendant(
            device=Device.MICROPHONE,
            open=self.ports.microphone.open,
            use=self._hear,
            do_without=trio.sleep_forever,
            absence=self._absence(),
            board=self.board,
            counts=self.counts,
            until_recalled=self.ports.microphone_recalled,
            until_changed=self.ports.sound_changed,
            at_break=self._at_break,
        )

    async def listen(self) -> None:
        """While there is no microphone the session stays open, and the server just hears nothing."""
        await self.microphone.run()

    async def play(self) -> None:
        """While there is no loudspeaker turns go on, and answers count as not heard."""
        attendant = Attendant(
            device=Device.LOUDSPEAKER,
            open=self.ports.speaker.open,
            use=self.player.run,
            do_without=self.player.do_without,
            absence=self._absence(),
            board=self.board,
            counts=self.counts,
            until_recalled=self.ports.speaker_recalled,
            until_changed=self.ports.sound_changed,
            at_break=self._at_break,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.signaller.run, name="signaller")
            await attendant.run()

    def adopt(self, config: Config) -> None:
        """Go by new settings, as far as `config.changes.REACHES` says that this life can."""
        self.conditioning.adopt(config.capture.gain_db, config.capture.high_pass_hz)
        self.signaller.adopt(tones_from(config))
        self.volume.allow(config.playout.max_volume_percent)
        self.player.wake_sink_ms = config.playout.wake_sink_ms
        self.player.rest_after_s = config.playout.sleeps_after_s
        self.player.look_again()
        self.player.keep_s = config.devices.keep_answers_ms / 1000

    def glances(self) -> Mapping[Part, Glance]:
        """How far they are: blocks that Capture brought and the Framer took, and what was played. While
        there is a microphone, blocks come.
        """
        tally, state = self.blocks.tally, self.board.devices.get(Device.MICROPHONE)
        comes = state is not None and not state.fault
        captured = Glance(tally.offered - tally.dropped, due=comes)
        return {Part.CAPTURE: captured, Part.PLAYOUT: self.player.glance()}

    async def _hear(self, microphone: OpenMicrophone) -> None:
        self.blocks.discard_all()  # from before a break: it may have had another shape
        capture = Capture(
            microphone, self.blocks, self.counts, self.door, self._air, self.microphone.ails
        )
        channel = self.config.capture.channel
        framer = Framer(
            self.blocks,
            self.frames,
            self.board,
            channel - 1 if channel else None,
            self.door,
            self.counts,
            speech=self.speech,
            overhears=self.overhears,
            conditioning=self.conditioning,
            echo=self.echo,
            far_end=self.ports.far_end,
            spoken_over=self._spoken_over,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(capture.run, name="capture")
            nursery.start_soon(framer.run, name="framer")

    def _deafens(self) -> bool:
        """Whether nothing is heard while the loudspeaker sounds."""
        half = self.echo.choice.mode is EchoMode.HALF_DUPLEX
        return half and self.ports.far_end is not None

    def _spoken_over(self, somebody: bool) -> None:
        """Make way for whoever may be heard then, if speaking over an answer is of any use."""
        turns = self.config.turns
        of_use = turns.interruption != "never" and turns.detection != "push_to_talk"
        self.volume.yield_by(self.config.echo.duck_db if somebody and of_use else 0.0)

    def _at_break(self) -> bool:
        """Whether neither party has the floor: a device may be closed, and nobody misses a word."""
        return self.board.phase.phase not in _FLOOR_TAKEN and not self.player.glance().due

    def _absence(self) -> Absence:
        devices = self.config.devices
        return Absence(
            devices.first_pause_s,
            devices.longest_pause_s,
            devices.give_up_after_s,
            waits_at_start=self.waits,
        )
