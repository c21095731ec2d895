"""Records a room for its owner to listen to: what the microphone gives, what is made of it, what was played.

Law of this file: frames go the same way as in the daemon (gain and filter, then echo), but nowhere else:
nothing is sent, and the files are for their owner's eyes only. Devices come in as ports.
"""

import enum
import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import attrs
import trio

from voiced.audio.conditioning import Conditioning
from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.earcons import LEVEL_DBFS as ANSWER_DBFS
from voiced.audio.echo.far_end import FarEnd as FarEndFrames
from voiced.audio.echo.handling import Echo
from voiced.audio.format import BYTES_PER_SAMPLE, FRAME_BYTES, FRAME_MS, WIRE_RATE_HZ, Frame
from voiced.audio.framing import FrameSlicer
from voiced.audio.level import dbfs, gain_of_percent_db
from voiced.audio.resample import Resampler
from voiced.config.whole import Config
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.recorder import checked_pick
from voiced.doctor.sound_findings import refused, skipped
from voiced.doctor.speech_like import speech_like
from voiced.edges.portaudio import PortAudio
from voiced.edges.state_file import replace_private
from voiced.faults import DeviceError
from voiced.hardware import canceller_from, far_end_from, microphone_from, speaker_from
from voiced.ports import FarEnd, Microphone, OpenMicrophone, OpenSpeaker, Speaker
from voiced.terms import echo_from

CHECK: Final = "room recording"
LIMIT_S: Final = 40.0
"""For the whole of it: 15 s, and devices that take their time to open."""

_WITHIN_S: Final = 5.0  # by which devices may be late
_SETTLED_MS: Final = 3000  # of the loudspeaker alone, at its end: the canceller has learned


class Part(enum.Enum):
    """What happens when, and what people are told then; in this order."""

    QUIET = (2.0, "Please be quiet.")
    PLAYS = (6.0, "Now the loudspeaker; please go on being quiet.")
    TALKS = (3.0, "Now speak, please, as you would from where you stand.")
    BOTH = (4.0, "Go on speaking, over the loudspeaker.")

    @property
    def lasts_s(self) -> float:
        """How long it takes."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """What people are told."""
        return self.value[1]

    @property
    def sounds(self) -> bool:
        """Whether the loudspeaker does."""
        return self in {Part.PLAYS, Part.BOTH}


LASTS_S: Final = sum(part.lasts_s for part in Part)


@attrs.define(eq=False)
class Tracks:
    """Three recordings that line up to the frame; each is mono PCM16 at 24 kHz."""

    before: bytearray = attrs.field(factory=bytearray)
    after: bytearray = attrs.field(factory=bytearray)
    played: bytearray = attrs.field(factory=bytearray)

    def files(self) -> dict[str, bytes]:
        """As WAV files, by name."""
        tracks = {"before": self.before, "after": self.after, "played": self.played}
        return {f"{name}.wav": _wav(bytes(track)) for name, track in tracks.items()}


@attrs.define(eq=False)
class RoomRecording:
    """One recording; its settings are those of the daemon."""

    microphone: Microphone
    speaker: Speaker
    far_end: FarEnd | None  # None: one of both is a file
    echo: Echo
    conditioning: Conditioning
    folder: Path
    say: Callable[[str], object]
    channel: int = 0  # as in [capture] channel
    gain_db: float = 0.0  # of the loudspeaker
    quiet: bool = False
    tracks: Tracks = attrs.field(factory=Tracks, init=False)
    _played: FarEndFrames = attrs.field(factory=FarEndFrames, init=False)
    _alone: tuple[int, int] = attrs.field(default=(0, 0), init=False)  # bytes: from, to

    async def look(self) -> Finding:
        """Record and write; what the owner will hear, in figures."""
        if self.quiet:
            return skipped(CHECK, "no sound was made: --quiet was given")
        if self.far_end is None:
            return skipped(CHECK, "a file hears no loudspeaker, and is none")
        try:
            await self.record(self.far_end)
        except DeviceError as fault:
            return refused(CHECK, "capture", fault)
        try:
            for name, wav in self.tracks.files().items():
                await trio.to_thread.run_sync(replace_private, self.folder / name, wav)
        except OSError as error:
            return _unwritten(self.folder, error)
        return self._finding()

    async def record(self, far_end: FarEnd) -> None:
        """Fill `tracks`; `DeviceError` if a device does not play along."""
        faults: list[DeviceError] = []
        async with self.microphone.open() as opened, self.speaker.open() as loud:
            loud.ramp_to(self.gain_db)
            far_end.take()  # from before we listened
            with trio.move_on_after(LASTS_S + _WITHIN_S) as patience:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._listen, opened, far_end, faults, nursery.cancel_scope)
                    try:
                        await self._perform(loud)
                    except DeviceError as fault:  # not raised in here: it would come out as a group
                        faults.append(fault)
                    nursery.cancel_scope.cancel()
        if faults:
            raise faults[0]
        if patience.cancelled_caught:
            raise DeviceError("the loudspeaker takes no sound: it was given up")
        if not self.tracks.before:
            raise DeviceError("the microphone gives no sound")

    async def _perform(self, loud: OpenSpeaker) -> None:
        for seed, part in enumerate(Part):
            self.say(part.sentence)
            ends_s = trio.current_time() + part.lasts_s
            if part.sounds:
                await loud.play(to_pcm16(speech_like(part.lasts_s, ANSWER_DBFS, seed)))
                await loud.drain()
            await trio.sleep_until(ends_s)
            if part is Part.PLAYS:
                end = len(self.tracks.before)
                self._alone = (max(0, end - _SETTLED_MS // FRAME_MS * FRAME_BYTES), end)

    async def _listen(
        self,
        opened: OpenMicrophone,
        far_end: FarEnd,
        faults: list[DeviceError],
        scope: trio.CancelScope,
    ) -> None:
        try:
            await self._collect(opened, far_end)
        except DeviceError as fault:
            faults.append(fault)
            scope.cancel()

    async def _collect(self, opened: OpenMicrophone, far_end: FarEnd) -> NoReturn:
        shape = opened.shape
        pick = checked_pick(shape, self.channel)
        resampler, slicer = Resampler(shape.rate_hz, WIRE_RATE_HZ), FrameSlicer()
        while True:
            for block in await opened.collect():
                mono = resampler.feed(to_mono(block, shape.channels, pick))
                for frame in slicer.feed(to_pcm16(mono)):
                    self._keep(frame, far_end)

    def _keep(self, frame: Frame, far_end: FarEnd) -> None:
        for pcm, rate_hz, ago_s in far_end.take():
            self.echo.take(pcm, rate_hz, ago_s)
            self._played.take(pcm, rate_hz)
        self.tracks.before += frame
        self.tracks.after += self.echo.clean(self.conditioning.apply(frame))[-1]
        self.tracks.played += self._played.next_frame()

    def _finding(self) -> Finding:
        alone = slice(*self._alone)
        before, after = (
            dbfs(bytes(track[alone])) for track in (self.tracks.before, self.tracks.after)
        )
        seconds = len(self.tracks.before) / BYTES_PER_SAMPLE / WIRE_RATE_HZ
        return Finding(
            check=CHECK,
            verdict=Verdict.OK,
            seen=f"{seconds:.0f} s in {self.folder}: before.wav, after.wav, played.wav; with the "
            f"loudspeaker alone {before:.0f} dBFS before, {after:.0f} after; echo {self.echo.choice}",
            action="listen to them, and delete them then: they hold sound of the room, and whatever was "
            "said in it",
            figures={
                "folder": str(self.folder),
                "recorded_ms": round(1000 * seconds),
                "before_dbfs": round(before, 1),
                "after_dbfs": round(after, 1),
                "mode": self.echo.choice.mode.value,
            },
        )


def room_recording_from(
    config: Config, folder: Path, say: Callable[[str], object], *, quiet: bool = False
) -> RoomRecording:
    """With the devices and the settings of the daemon; `ConfigError` if its canceller is not installed."""
    system, capture = PortAudio(), config.capture
    tap = far_end_from(config)
    return RoomRecording(
        microphone_from(config, system),
        speaker_from(config, system, tap),
        tap,
        echo_from(config, canceller_from(config)),
        Conditioning(capture.gain_db, capture.high_pass_hz),
        folder,
        say,
        channel=capture.channel,
        gain_db=gain_of_percent_db(config.playout.allowed_percent),
        quiet=quiet,
    )


def _unwritten(folder: Path, error: OSError) -> Finding:
    return Finding(
        check=CHECK,
        verdict=Verdict.FAILED,
        seen=f"the recording can't be written to {folder}: {error.strerror or error}",
        cause="the folder is not yours, or the disk is full",
        action="name another folder: --record-room DIR",
    )


def _wav(pcm: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(BYTES_PER_SAMPLE)
        file.setframerate(WIRE_RATE_HZ)
        file.writeframes(pcm)
    return out.getvalue()
