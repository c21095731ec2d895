"""The checks of everything that sounds: who serves, what opens, what the microphone hears, what returns.

Law of this file: each check is one `async` method that returns one finding and raises nothing for a
device that misbehaves. They are written in the order in which each stands on the one before. Devices
come in as ports, so that tests bring their own.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import attrs
import trio

from voiced.audio.echo.handling import EchoMode
from voiced.audio.format import BYTES_PER_SAMPLE, Shape, ms_to_samples
from voiced.config.whole import Config
from voiced.doctor import echo, level, mixer, sound_server
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.recorder import Recorder, record
from voiced.doctor.sound_findings import (
    LEVEL,
    LOOP,
    LOUDSPEAKER,
    MICROPHONE,
    Figures,
    judged,
    refused,
    skipped,
    stuck,
)
from voiced.doctor.whistle import measure_loop
from voiced.edges.cards import Kind
from voiced.edges.mixer import Mixer, MixerSays
from voiced.edges.portaudio import PortAudio
from voiced.edges.sound_server import SoundServer, Surroundings
from voiced.faults import DeviceAbsent, DeviceError
from voiced.hardware import canceller_installed, microphone_from, speaker_from
from voiced.ports import Microphone, Speaker

Name: TypeAlias = Callable[[], Awaitable[str]]
"""Finds out what a device is really called; `DeviceError` if there is none."""
Look: TypeAlias = tuple[str, Callable[[], Awaitable[Finding]], tuple[str, ...]]
"""A check's name, the check, and what it stands on."""

_FILE: Final = "file:"
_WITHIN_S: Final = 2.0  # for the first blocks; a sound card needs 50 ms, Bluetooth up to a second
_BLOCKS: Final = 10  # of 20 ms: it is not the first one only
_PLAYED_MS: Final = 200
_LISTENS_MS: Final = 2000
_SETTLES_MS: Final = 300  # at its start many a device gives a click, or zeros


@attrs.define(eq=False)
class Hearing:
    """The checks that make or take sound, on the devices that the daemon would use."""

    microphone: Microphone
    speaker: Speaker
    microphone_name: Name
    speaker_name: Name
    look_around: Callable[[], Awaitable[Surroundings]]
    ask_mixer: Callable[[], Awaitable[MixerSays]]
    channel: int = 0  # as in [capture] channel
    microphones: Sequence[str] = ()  # as in [capture] device
    echo_mode: EchoMode = EchoMode.AUTO
    quiet: bool = False  # make no sound
    microphone_is_file: bool = False
    speaker_is_file: bool = False  # never opened here: that would overwrite it

    def looks(self) -> list[Look]:
        """All checks in order, each with its name and the names of those without which it is vain.

        Devices are tried even where no server was found: they have the last word.
        """
        return [
            (sound_server.CHECK, self.audio_server, ()),
            (MICROPHONE, self.microphone_opens, ()),
            (LOUDSPEAKER, self.speaker_opens, ()),
            (mixer.CHECK, self.mixer, ()),
            (echo.CHECK, self.echo, ()),
            (LEVEL, self.microphone_level, (MICROPHONE,)),
            (LOOP, self.loop, (MICROPHONE, LOUDSPEAKER)),
        ]

    async def audio_server(self) -> Finding:
        """Who stands between us and the sound cards?"""
        if self.microphone_is_file and self.speaker_is_file:
            return skipped(sound_server.CHECK, "both devices are files: none is needed")
        return sound_server.judge(await self.look_around())

    async def microphone_opens(self) -> Finding:
        """Can it be opened, and do blocks come?"""
        try:
            name = await self.microphone_name()
            async with self.microphone.open() as opened:
                recorder = Recorder(opened, self.channel)
                await self._record(recorder, blocks=_BLOCKS)
                shape, lost, overflows = opened.shape, opened.lost_blocks, opened.overflows
        except DeviceError as fault:
            return refused(MICROPHONE, "capture", fault)
        figures: Figures = {
            "device": name,
            **_figures(shape),
            "blocks": recorder.blocks,
            "lost_blocks": lost,
            "overflows": overflows,
        }
        if recorder.blocks < _BLOCKS:
            return stuck(
                MICROPHONE, f"{name} gave {recorder.blocks} blocks in {_WITHIN_S:.0f} s", figures
            )
        return Finding(
            check=MICROPHONE,
            verdict=Verdict.OK,
            seen=f"{name}: {_told(shape)}, {recorder.blocks} blocks came",
            figures=figures,
        )

    async def speaker_opens(self) -> Finding:
        """Can it be opened, and does it take sound? It is given silence, so nobody hears it."""
        if self.speaker_is_file:
            return skipped(LOUDSPEAKER, "it is a file, which would be overwritten")
        try:
            name = await self.speaker_name()
            async with self.speaker.open() as opened:
                with trio.move_on_after(_WITHIN_S + opened.latency_s) as patience:
                    await opened.play(bytes(ms_to_samples(_PLAYED_MS) * BYTES_PER_SAMPLE))
                    await opened.drain()
                shape, latency_ms = opened.shape, round(opened.latency_s * 1000)
                underflows = opened.underflows
        except DeviceError as fault:
            return refused(LOUDSPEAKER, "playout", fault)
        figures: Figures = {
            "device": name,
            **_figures(shape),
            "latency_ms": latency_ms,
            "played_ms": 0 if patience.cancelled_caught else _PLAYED_MS,
            "underflows": underflows,
        }
        if patience.cancelled_caught:
            told = f"{name} did not take {_PLAYED_MS} ms of sound in {_WITHIN_S:.0f} s"
            return stuck(LOUDSPEAKER, told, figures)
        return Finding(
            check=LOUDSPEAKER,
            verdict=Verdict.OK,
            seen=f"{name}: {_told(shape)}, latency {latency_ms} ms",
            figures=figures,
        )

    async def microphone_level(self) -> Finding:
        """What does it hear in 2 s of the room as it is?"""
        try:
            async with self.microphone.open() as opened:
                rate_hz = opened.shape.rate_hz
                settled = ms_to_samples(_SETTLES_MS, rate_hz)
                recorder = Recorder(opened, self.channel)
                await self._record(recorder, samples=settled + ms_to_samples(_LISTENS_MS, rate_hz))
        except DeviceError as fault:
            return refused(LEVEL, "capture", fault)
        heard = level.measure(recorder.samples(settled), rate_hz)
        told = (
            f"{heard.rms_dbfs:.0f} dBFS, noise floor {heard.floor_dbfs:.0f} dBFS, "
            f"peak {heard.peak_dbfs:.0f} dBFS"
        )
        ailment = level.ailment(heard)
        if ailment is None:
            return Finding(check=LEVEL, verdict=Verdict.OK, seen=told, figures=heard.figures())
        return Finding(
            check=LEVEL,
            verdict=ailment.verdict,
            seen=told,
            cause=ailment.cause,
            action=ailment.action,
            figures=heard.figures(),
        )

    async def loop(self) -> Finding:
        """Does the microphone hear the loudspeaker?"""
        if self.quiet:
            return skipped(LOOP, "no sound was made: --quiet was given")
        if self.microphone_is_file or self.speaker_is_file:
            return skipped(LOOP, "a file hears no loudspeaker, and is none")
        try:
            loop = await measure_loop(self.microphone, self.speaker, self.channel)
        except DeviceError as fault:
            return refused(LOOP, "playout", fault)
        return judged(loop)

    async def mixer(self) -> Finding:
        """Is a default device muted, or turned down to nothing?"""
        if self.microphone_is_file and self.speaker_is_file:
            return skipped(mixer.CHECK, "both devices are files: they have no mixer")
        return mixer.judge(await self.ask_mixer())

    async def echo(self) -> Finding:
        """Does exactly one party take the loudspeaker's echo away?"""
        if self.microphone_is_file or self.speaker_is_file:
            return skipped(echo.CHECK, "a file hears no loudspeaker, and is none")
        try:
            name = await self.microphone_name()
        except DeviceError:  # that is the finding of another check
            name = ""
        names = dict.fromkeys((*self.microphones, name, (await self.ask_mixer()).source))
        return echo.judge(
            self.echo_mode, installed=canceller_installed(), names=[*filter(None, names)]
        )

    async def _record(self, recorder: Recorder, *, blocks: int = 0, samples: int = 0) -> None:
        """Record that much, or for 2 s longer than it should take; a fault of the device is raised."""
        limit_s = _WITHIN_S + samples / recorder.microphone.shape.rate_hz
        await record(recorder, lambda: recorder.until(blocks=blocks, samples=samples), limit_s)


def hearing_from(config: Config, *, quiet: bool = False) -> Hearing:
    """On the devices that the daemon would use, opened as it would open them."""
    system = PortAudio()
    return Hearing(
        microphone_from(config, system),
        speaker_from(config, system),
        _name(system, "input", config.capture.devices),
        _name(system, "output", config.playout.devices),
        SoundServer().look,
        Mixer().look,
        channel=config.capture.channel,
        microphones=config.capture.devices,
        echo_mode=EchoMode(config.echo.mode),
        quiet=quiet,
        microphone_is_file=config.capture.devices[0].startswith(_FILE),
        speaker_is_file=config.playout.devices[0].startswith(_FILE),
    )


def _name(system: PortAudio, kind: Kind, wanted: Sequence[str]) -> Name:
    async def name() -> str:
        """Of the first that is there."""
        for each in wanted[:-1]:
            with suppress(DeviceAbsent):
                return await system.name_of(kind, each)
        last = wanted[-1]
        return last if last.startswith(_FILE) else await system.name_of(kind, last)

    return name


def _figures(shape: Shape) -> dict[str, int]:
    return {"rate_hz": shape.rate_hz, "channels": shape.channels}


def _told(shape: Shape) -> str:
    return f"{shape.rate_hz} Hz, {shape.channels} channel{'s' if shape.channels > 1 else ''}"
