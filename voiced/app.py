"""The composition root: settings and ports in, a daemon out. The only module that knows everybody.

microphone -> Capture -> blocks -> Framer -> frames -> Uplink ----> wire
loudspeaker <- Player <- playouts <- Narrator <------ Downlink <--- wire
                       Supervisor > Conversation > (Uplink, Downlink, Narrator, Moderator) -> Scribe
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs
import trio

from voiced.actors.attendant import Attendant
from voiced.actors.bookkeeper import Bookkeeper
from voiced.actors.capture import Block, Capture
from voiced.actors.conversation import Conversation, Habits, Patience
from voiced.actors.cooldown import Cooldown
from voiced.actors.framer import Framer
from voiced.actors.player import Player
from voiced.actors.scribe import Scribe
from voiced.actors.supervisor import Supervisor
from voiced.audio.format import Frame, frames_in_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.wire import WireFormat
from voiced.channel import Channel, WhenFull
from voiced.config import LOOPBACK_HOSTS, Config
from voiced.counts import Counts
from voiced.edges.credentials import FixedKey, Secret, find_key, key_needed
from voiced.edges.files import FileMicrophone, FileSpeaker
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.edges.speaker import PortAudioSpeaker
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.faults import VoicedError
from voiced.link.absence import Absence
from voiced.messages import Playout, Volume
from voiced.notices import Device, NoticeBoard
from voiced.ports import Dialler, Microphone, OpenMicrophone, Speaker
from voiced.realtime.client_events import Configure
from voiced.realtime.settings import AudioFormat, SemanticVad, ServerVad, Transcription
from voiced.turns.policy import Detection, Interruption, Limits, Policy
from voiced.verdicts import gravest

log = logging.getLogger(__name__)

_BLOCKS_MS: Final = 200  # the Framer is arithmetic: a full channel here means the machine is ill
_PLAYOUTS: Final = 8  # a ninth waiting answer is a fault worth seeing
_FILE: Final = "file:"


@attrs.frozen
class Ports:
    """What the daemon needs of the world."""

    microphone: Microphone
    speaker: Speaker
    dialler: Dialler


@attrs.define(eq=False)
class Daemon:
    """All actors, wired. `run` is their life; `supervisor.stop()` ends it in order."""

    config: Config
    ports: Ports
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    stays: bool = False  # on a fault that only a person can mend: wait for one, or end
    blocks: Channel[Block] = attrs.field(init=False)
    frames: Channel[Frame] = attrs.field(init=False)
    playouts: Channel[Playout] = attrs.field(init=False)
    volume: Volume = attrs.field(init=False, factory=Volume)
    scribe: Scribe = attrs.field(init=False)
    jitter: JitterBuffer = attrs.field(init=False)
    supervisor: Supervisor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        self.blocks = Channel(
            "capture blocks",
            max(1, _BLOCKS_MS // config.capture.block_ms),
            WhenFull.DROP_OLDEST,
        )
        self.frames = Channel("frames", frames_in_ms(config.uplink.keep_ms), WhenFull.DROP_OLDEST)
        self.playouts = Channel("playouts", _PLAYOUTS, WhenFull.DROP_NEWEST)
        self.jitter = JitterBuffer(config.playout.min_ms, config.playout.max_ms)
        self.scribe = Scribe(self.board, self.counts)
        self.supervisor = Supervisor(
            conversation=Conversation(
                dialler=self.ports.dialler,
                configure=configure_from(config),
                frames=self.frames,
                playouts=self.playouts,
                volume=self.volume,
                board=self.board,
                scribe=self.scribe,
                jitter=self.jitter,
                counts=self.counts,
                patience=Patience(
                    socket_s=config.uplink.socket_limit_s,
                    created_s=config.uplink.created_limit_s,
                    updated_s=config.uplink.updated_limit_s,
                    send_s=config.uplink.send_limit_s,
                ),
                habits=habits_from(config),
                batch_ms=config.uplink.batch_ms,
                longest_ms=config.playout.longest_ms,
                wire_format=WireFormat(config.realtime.audio_format),
            ),
            cooldown=Cooldown(
                first_s=config.link.first_pause_s,
                longest_s=config.link.longest_pause_s,
                healthy_s=config.link.healthy_after_s,
            ),
            board=self.board,
            stays=self.stays,
        )

    async def run(self) -> None:
        """Live until stopped. Raises the one `VoicedError` that ended it, if one did.

        Devices and link open side by side; on a stop the link closes first, then the devices.
        """
        try:
            async with trio.open_nursery() as devices:
                devices.start_soon(self._listen, name="microphone")
                devices.start_soon(self._sound, name="loudspeaker")
                devices.start_soon(self._bookkeeper().run, name="bookkeeper")
                devices.start_soon(self.scribe.run, name="scribe")
                await self.supervisor.run()
                devices.cancel_scope.cancel()
        except* VoicedError as group:
            raise gravest(group) from None
        finally:
            self._account()

    async def _listen(self) -> None:
        """While there is no microphone the session stays open, and the server just hears nothing."""
        await Attendant(
            device=Device.MICROPHONE,
            open=self.ports.microphone.open,
            use=self._hear,
            do_without=trio.sleep_forever,
            absence=self._absence(),
            board=self.board,
            counts=self.counts,
        ).run()

    async def _hear(self, microphone: OpenMicrophone) -> None:
        self.blocks.discard_all()  # from before a break: it may have had another shape
        capture = Capture(microphone, self.blocks, self.counts)
        channel = self.config.capture.channel
        framer = Framer(self.blocks, self.frames, self.board, channel - 1 if channel else None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(capture.run, name="capture")
            nursery.start_soon(framer.run, name="framer")

    async def _sound(self) -> None:
        """While there is no loudspeaker turns go on, and answers count as not heard."""
        player = Player(
            self.playouts,
            self.jitter,
            self.board,
            self.counts,
            self.config.playout.rest_after_s,
            self.volume,
            self.config.devices.keep_answers_ms / 1000,
        )
        await Attendant(
            device=Device.LOUDSPEAKER,
            open=self.ports.speaker.open,
            use=player.run,
            do_without=player.do_without,
            absence=self._absence(),
            board=self.board,
            counts=self.counts,
        ).run()

    def _absence(self) -> Absence:
        devices = self.config.devices
        return Absence(devices.first_pause_s, devices.longest_pause_s, devices.give_up_after_s)

    def _bookkeeper(self) -> Bookkeeper:
        counts = self.counts
        return Bookkeeper(
            {
                "microphone blocks": lambda: counts.lost_blocks,
                "capture blocks": lambda: self.blocks.tally.dropped,
                "device underflows": lambda: counts.underflows,
                "frames": lambda: self.frames.tally.dropped,
                "playouts": lambda: self.playouts.tally.dropped,
                "answers without a loudspeaker": lambda: counts.unheard_answers,
                "late deltas": lambda: counts.late_deltas,
                "stray deltas": lambda: counts.stray_deltas,
                "events": lambda: counts.skipped_events,
            }
        )

    def _account(self) -> None:
        """The whole life in one line: every loss has a name and a number."""
        numbers = {name: count for name, count in attrs.asdict(self.counts).items() if count}
        for channel in (self.blocks, self.frames, self.playouts):
            name = channel.name.replace(" ", "_")
            numbers[f"{name}_dropped"] = channel.tally.dropped
            numbers[f"{name}_discarded"] = channel.tally.discarded
        said = " ".join(f"{name}={count}" for name, count in numbers.items() if count)
        log.info("stopped %s", said or "nothing sent, nothing lost")


def configure_from(config: Config) -> Configure:
    """The session we want, all of it said aloud: defaults of the service differ by model."""
    realtime = config.realtime
    sound = AudioFormat(f"audio/{realtime.audio_format}")
    return Configure(
        output_modality="audio",
        instructions=realtime.instructions,
        input_format=sound,
        output_format=sound,
        turn_detection=_turn_detection(config),
        transcription=(
            Transcription(realtime.transcription_model, realtime.language or None)
            if realtime.transcription_model
            else None
        ),
        noise_reduction=realtime.noise_reduction or None,  # type: ignore[arg-type]  # checked in config
        voice=realtime.voice,
        speed=realtime.speed,
    )


def policy_from(config: Config) -> Policy:
    """How turns are taken."""
    turns, limits = config.turns, config.limits
    return Policy(
        detection=Detection(turns.detection),
        interruption=Interruption(turns.interruption),
        confirm_ms=turns.confirm_ms,
        duck_db=turns.duck_db,
        transcribed=bool(config.realtime.transcription_model),
        limits=Limits(
            turn_s=limits.max_turn_ms / 1000,
            committed_s=limits.committed_ms / 1000,
            created_s=limits.created_ms / 1000,
            first_delta_s=limits.first_delta_ms / 1000,
            delta_gap_s=limits.delta_gap_ms / 1000,
            cancelled_s=limits.cancelled_ms / 1000,
            words_s=limits.words_ms / 1000,
        ),
    )


def habits_from(config: Config) -> Habits:
    """The policy, and the times that belong to a way of taking turns."""
    turns = config.turns
    by_silence = turns.detection == Detection.SERVER_VAD.value
    return Habits(
        policy=policy_from(config),
        silence_ms=turns.silence_duration_ms if by_silence else 0,
        pre_roll_ms=turns.pre_roll_ms,
        tail_ms=turns.tail_ms,
    )


def _turn_detection(config: Config) -> ServerVad | SemanticVad | None:
    """Who ends turns, and whether the server answers and interrupts by itself: both, or neither.

    Were it to answer without interrupting, its answer to speech over another one would be refused
    (reported).
    """
    turns, policy = config.turns, policy_from(config)
    match policy.detection:
        case Detection.SERVER_VAD:
            return ServerVad(
                threshold=turns.threshold,
                prefix_padding_ms=turns.prefix_padding_ms,
                silence_duration_ms=turns.silence_duration_ms,
                idle_timeout_ms=turns.idle_timeout_ms or None,
                create_response=policy.server_answers,
                interrupt_response=policy.server_answers,
            )
        case Detection.SEMANTIC_VAD:
            return SemanticVad(
                eagerness=turns.eagerness,  # type: ignore[arg-type]  # checked in config
                create_response=policy.server_answers,
                interrupt_response=policy.server_answers,
            )
        case Detection.PUSH_TO_TALK:
            return None


def ports_from(config: Config, environ: Mapping[str, str] = os.environ) -> Ports:
    """Real devices and the real wire; `ConfigError` if there is no key and one is needed."""
    dialler = dialler_from(config, environ)
    system = PortAudio()
    return Ports(microphone_from(config, system), speaker_from(config, system), dialler)


def microphone_from(config: Config, system: PortAudio) -> Microphone:
    """A sound card's, or a file."""
    capture = config.capture
    if capture.device.startswith(_FILE):
        return FileMicrophone(Path(capture.device.removeprefix(_FILE)))
    return PortAudioMicrophone(
        system,
        capture.device,
        capture.rate_hz or None,
        capture.block_ms,
        stall_s=config.devices.stall_ms / 1000,
    )


def speaker_from(config: Config, system: PortAudio) -> Speaker:
    """A sound card's, or a file."""
    playout = config.playout
    if playout.device.startswith(_FILE):
        return FileSpeaker(Path(playout.device.removeprefix(_FILE)))
    return PortAudioSpeaker(
        system,
        playout.device,
        playout.rate_hz or None,
        playout.device_block_ms,
        playout.device_latency_ms,
        stall_s=config.devices.stall_ms / 1000,
    )


def dialler_from(config: Config, environ: Mapping[str, str] = os.environ) -> Dialler:
    """The wire to the service. A server on this machine gets a word in the key's place."""
    at_home = urlsplit(config.realtime.url).hostname in LOOPBACK_HOSTS
    key = find_key(config.auth.key_file, environ) or (Secret("local") if at_home else None)
    if key is None:
        raise key_needed()
    return WebSocketDialler(
        Endpoint(
            url=config.realtime.url,
            model=config.realtime.model,
            key_header=config.auth.header,
            ping_every_s=config.uplink.ping_every_s,
            ping_limit_s=config.uplink.ping_limit_s,
            largest_message=config.uplink.largest_message_mb << 20,
        ),
        FixedKey(key),
    )
