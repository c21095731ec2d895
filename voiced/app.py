"""The composition root: settings and ports in, a daemon out. The only module that knows everybody.

microphone -> Capture -> blocks -> Framer -> frames -> Uplink ----> wire
loudspeaker <- Player <- playouts <- Narrator <------ Downlink <--- wire
                       playouts <- Announcer <- board
                       Supervisor > Conversation > (Uplink, Downlink, Narrator, Moderator) -> Scribe
"""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from voiced.actors.announcer import Announcer
from voiced.actors.archivist import Archivist
from voiced.actors.attendant import Attendant
from voiced.actors.bookkeeper import Bookkeeper
from voiced.actors.capture import Block, Capture
from voiced.actors.conversation import Conversation
from voiced.actors.framer import Framer
from voiced.actors.opening import Opening, Patience
from voiced.actors.player import Player
from voiced.actors.scribe import Scribe
from voiced.actors.supervisor import Supervisor
from voiced.actors.talk import Habits, House
from voiced.audio.format import Frame, frames_in_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.wire import WireFormat
from voiced.channel import Channel, WhenFull
from voiced.config import Config
from voiced.counts import Counts
from voiced.edges.authority import authority_from
from voiced.edges.files import FileMicrophone, FileSpeaker
from voiced.edges.memory_file import MemoryFile, state_directory
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.edges.proxy import find_proxies
from voiced.edges.speaker import PortAudioSpeaker
from voiced.edges.transport import Route, open_stream, trust
from voiced.edges.voice import find_voice
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.faults import VoicedError, VoiceError
from voiced.link.absence import Absence
from voiced.link.announcements import Announcement
from voiced.link.cooldown import Cooldown
from voiced.link.ladder import Ladder
from voiced.link.memory import Memory
from voiced.link.renewal import Renewal
from voiced.link.tape import Tape
from voiced.messages import Playout, Volume
from voiced.notices import Device, NoticeBoard
from voiced.ports import Archive, Dialler, Microphone, OpenMicrophone, Speaker, Voice
from voiced.realtime.client_events import Configure
from voiced.realtime.settings import AudioFormat, SemanticVad, ServerVad, Transcription
from voiced.turns.policy import Detection, Interruption, Limits, Policy
from voiced.verdicts import gravest

log = logging.getLogger(__name__)

_BLOCKS_MS: Final = 200  # the Framer is arithmetic: a full channel here means the machine is ill
_PLAYOUTS: Final = 8  # a ninth waiting answer is a fault worth seeing
_FILE: Final = "file:"
_PROXY_SHARE: Final = (
    0.8  # of the time until a socket must be open: less, or it could not be blamed
)


@attrs.frozen
class Ports:
    """What the daemon needs of the world."""

    microphone: Microphone
    speaker: Speaker
    dialler: Dialler
    archive: Archive | None = None  # where there is no place to keep anything
    voice: Voice | None = None  # of this machine, for announcements; None: they are tones


@attrs.define(eq=False)
class Daemon:
    """All actors, wired. `run` is their life; `supervisor.stop()` ends it in order."""

    config: Config
    ports: Ports
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    stays: bool = False  # on a fault that only a person can mend: wait for one, or end
    mended: Callable[[], Awaitable[None]] = (
        trio.sleep_forever
    )  # returns when a person did something
    blocks: Channel[Block] = attrs.field(init=False)
    frames: Channel[Frame] = attrs.field(init=False)
    playouts: Channel[Playout] = attrs.field(init=False)
    volume: Volume = attrs.field(init=False, factory=Volume)
    tape: Tape = attrs.field(init=False)
    memory: Memory = attrs.field(init=False, factory=Memory)
    scribe: Scribe = attrs.field(init=False)
    announcer: Announcer | None = attrs.field(init=False, default=None)
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
        self.tape = Tape(config.limits.max_turn_ms)
        self.scribe = Scribe(self.board, self.counts, self.memory)
        self.supervisor = self._supervisor()
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
        return Supervisor(
            conversation=self._conversation(cooldown),
            cooldown=cooldown,
            ladder=Ladder(config.realtime.fallback_models),
            board=self.board,
            stays=self.stays,
            fault_retry_s=config.link.fault_retry_s,
            mended=self.mended,
            secrets_renew=config.auth.mode != "key",
        )

    def _conversation(self, cooldown: Cooldown) -> Conversation:
        config = self.config
        habits = habits_from(config)
        wire_format = WireFormat(config.realtime.audio_format)
        return Conversation(
            dialler=self.ports.dialler,
            opening=Opening(
                configure=configure_from(config),
                wire_format=wire_format,
                patience=patience_from(config),
                context=config.realtime.context,
            ),
            house=House(
                frames=self.frames,
                playouts=self.playouts,
                volume=self.volume,
                board=self.board,
                scribe=self.scribe,
                jitter=self.jitter,
                counts=self.counts,
                tape=self.tape,
                button=habits.button(),
            ),
            habits=habits,
            renewal=Renewal(config.realtime.renew_after_s),
            cooldown=cooldown,
            batch_ms=config.uplink.batch_ms,
            longest_ms=config.playout.longest_ms,
            keep_ms=config.uplink.keep_ms,
            carry_over_tokens=config.realtime.carry_over_tokens,
            wire_format=wire_format,
            greeting=config.realtime.greeting,
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
                if archivist := self._archivist():
                    devices.start_soon(archivist.run, name="archivist")
                if self.announcer is not None:
                    devices.start_soon(self.announcer.run, name="announcer")
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

    def _archivist(self) -> Archivist | None:
        """Whoever keeps the conversation, if the owner wants that; else nothing stays of it."""
        archive = self.ports.archive
        if archive is None:
            return None
        if not self.config.privacy.keep_context:
            archive.remove()
            return None
        archivist = Archivist(self.memory, archive, self.config.realtime.carry_over_tokens)
        archivist.begin()
        return archivist

    def _bookkeeper(self) -> Bookkeeper:
        counts = self.counts
        return Bookkeeper(
            {
                "microphone blocks": lambda: counts.lost_blocks,
                "capture blocks": lambda: self.blocks.tally.dropped,
                "device underflows": lambda: counts.underflows,
                "frames": lambda: self.frames.tally.dropped,
                "frames that waited": lambda: self.tape.dropped,
                "playouts": lambda: self.playouts.tally.dropped,
                "answers without a loudspeaker": lambda: counts.unheard_answers,
                "late deltas": lambda: counts.late_deltas,
                "stray deltas": lambda: counts.stray_deltas,
                "events": lambda: counts.skipped_events,
                "texts": lambda: counts.lost_texts,
            }
        )

    def _account(self) -> None:
        """The whole life in one line: every loss has a name and a number."""
        numbers = {name: count for name, count in attrs.asdict(self.counts).items() if count}
        numbers["frames_that_waited_dropped"] = self.tape.dropped
        numbers["frames_told_again"] = self.tape.retold
        numbers["memory_forgotten"] = self.memory.forgotten
        numbers["memory_lost_chars"] = self.memory.lost_chars
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


def dialling_limit_s(config: Config) -> float:
    """How long dialling may take: a secret that is to be fetched first has its own limit."""
    fetched = config.auth.mode != "key"
    return config.uplink.socket_limit_s + (config.auth.limit_s if fetched else 0.0)


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


def patience_from(config: Config) -> Patience:
    """How long each step of a session may take."""
    uplink, link = config.uplink, config.link
    return Patience(
        socket_s=dialling_limit_s(config),
        created_s=uplink.created_limit_s,
        updated_s=uplink.updated_limit_s,
        send_s=uplink.send_limit_s,
        probe_after_s=link.probe_after_s,
        probe_s=link.probe_limit_s,
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
    return Ports(
        microphone_from(config, system),
        speaker_from(config, system),
        dialler,
        archive_from(config, environ),
        voice_from(config),
    )


def words_from(config: Config) -> Mapping[Announcement, str]:
    """What is said about the link, by a voice."""
    notices = config.notices
    return {
        Announcement.CONNECTING: notices.connecting,
        Announcement.LOST: notices.lost,
        Announcement.UNREACHABLE: notices.unreachable,
        Announcement.BACK: notices.back,
    }


def voice_from(config: Config) -> Voice | None:
    """The voice of this machine, if one is wanted and there is one."""
    if config.notices.mode != "voice":
        return None
    try:
        return find_voice(config.notices.language)
    except VoiceError as error:
        log.warning('[notices] mode = "voice", but announcements will be tones: %s', error)
        return None


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


def archive_from(config: Config, environ: Mapping[str, str] = os.environ) -> Archive | None:
    """The file in the state directory; None (and a word, if it is wanted) where there is none."""
    directory = state_directory(environ)
    if directory is None:
        if config.privacy.keep_context:
            log.warning("context not kept: neither STATE_DIRECTORY nor HOME is set")
        return None
    return MemoryFile(directory, config.privacy.keep_context_s)


def dialler_from(config: Config, environ: Mapping[str, str] = os.environ) -> Dialler:
    """The wire to the service; `ConfigError` if the secret it wants can't be had."""
    endpoint = Endpoint(
        url=config.realtime.url,
        model=config.realtime.model,
        key_header=config.auth.header,
        ping_every_s=config.uplink.ping_every_s,
        ping_limit_s=config.uplink.ping_limit_s,
        largest_message=config.uplink.largest_message_mb << 20,
        organization=config.realtime.organization,
        project=config.realtime.project,
        safety_identifier=config.realtime.safety_identifier,
    )
    route = route_from(config, environ)
    authority = authority_from(config, endpoint, environ, partial(open_stream, route=route))
    return WebSocketDialler(
        attrs.evolve(endpoint, key_header=config.auth.secret_header), authority, route
    )


def route_from(config: Config, environ: Mapping[str, str] = os.environ) -> Route:
    """The way out of here; `ConfigError` if a proxy or a certificate can't be used."""
    network = config.network
    if network.ca_file:
        trust(network.ca_file)  # read anew for each connection; told now if it is no good
    return Route(
        find_proxies(network.proxy, network.proxy_credentials_file, environ),
        network.ca_file,
        proxy_limit_s=config.uplink.socket_limit_s * _PROXY_SHARE,
    )
