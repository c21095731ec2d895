"""The devices behind the ports, as the settings want them: what a person sees or hears of this machine.

`outside.py` puts them together with the rest of the world; the doctor takes them from here.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from voiced.audio.echo.handling import Canceller
from voiced.config.whole import Config
from voiced.edges.far_end import FarEndTap
from voiced.edges.files import FileMicrophone, FileSpeaker
from voiced.edges.keys import KeyDevice
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.edges.speaker import PortAudioSpeaker
from voiced.edges.voice import find_voice
from voiced.faults import ConfigError, VoiceError
from voiced.ports import Microphone, Speaker, Voice, WakeWord

if TYPE_CHECKING:
    from voiced.edges.gpio import GpioPanel

log = logging.getLogger(__name__)

_FILE: Final = "file:"


def microphone_from(config: Config, system: PortAudio) -> Microphone:
    """A sound card's, or a file."""
    capture, devices = config.capture, config.devices
    if capture.devices[0].startswith(_FILE):
        return FileMicrophone(Path(capture.devices[0].removeprefix(_FILE)))
    return PortAudioMicrophone(
        system,
        capture.devices,
        capture.rate_hz or None,
        capture.block_ms,
        stall_s=devices.stall_ms / 1000,
        gap_s=devices.gap_ms / 1000,
        channel=capture.channel,
    )


def speaker_from(config: Config, system: PortAudio, far_end: FarEndTap | None = None) -> Speaker:
    """A sound card's, or a file, which no microphone hears."""
    playout, devices = config.playout, config.devices
    if playout.devices[0].startswith(_FILE):
        return FileSpeaker(Path(playout.devices[0].removeprefix(_FILE)))
    return PortAudioSpeaker(
        system,
        playout.devices,
        playout.rate_hz or None,
        playout.device_block_ms,
        playout.device_latency_ms,
        tap=None if far_end is None else far_end.leave,
        stall_s=devices.stall_ms / 1000,
        gap_s=devices.gap_ms / 1000,
    )


def far_end_from(config: Config) -> FarEndTap | None:
    """What the loudspeaker plays, for whoever takes its echo away; None where there can't be any: a file
    hears no loudspeaker, and is none.
    """
    files = (config.capture.from_file, config.playout.devices[0].startswith(_FILE))
    return None if any(files) else FarEndTap()


def canceller_installed() -> bool:
    """Whether there is one to take; nothing of it is imported yet."""
    return find_spec("livekit") is not None


def canceller_from(config: Config) -> Canceller | None:
    """WebRTC's, where it is wanted; `ConfigError` if that is what the settings say and it can't be had. With
    "auto" it is taken if there is one.
    """
    echo = config.echo
    if far_end_from(config) is None or echo.mode not in ("auto", "webrtc"):
        return None
    if echo.mode == "auto" and not canceller_installed():
        return None
    from voiced.edges import canceller  # noqa: PLC0415  an optional extra

    try:
        return canceller.canceller_from(
            noise_suppression=echo.noise_suppression, automatic_gain=echo.automatic_gain
        )
    except ConfigError as error:
        if echo.mode == "webrtc":
            raise
        log.warning("echo is not cancelled: %s", error)
        return None


def recall_from(names: Sequence[str], system: PortAudio) -> Callable[[], Awaitable[None]]:
    """Wanting a device back that works, to look for a better one. A file is never in the way, and would
    begin anew.
    """
    return trio.sleep_forever if names[0].startswith(_FILE) else system.until_recalled


def voice_from(config: Config) -> Voice | None:
    """The voice of this machine, if one is wanted and there is one."""
    if config.notices.mode != "voice":
        return None
    try:
        return find_voice(config.notices.language)
    except VoiceError as error:
        log.warning('[notices] mode = "voice", but announcements will be tones: %s', error)
        return None


def wake_word_from(config: Config) -> WakeWord | None:
    """The detector, where words begin conversations; `ConfigError` if it is not installed, or a word's
    model can't be used.
    """
    wanted = config.activation
    if not wanted.by_word:
        return None
    from voiced.edges.wake_word import detector_from  # noqa: PLC0415  an optional extra

    return detector_from((*wanted.wake_words, *wanted.stop_words), wanted.wake_sensitivity)


def panel_from(config: Config) -> "GpioPanel | None":
    """Buttons and lamps, where some are named; `ConfigError` if the package for them is not installed."""
    wanted = config.gpio
    if not wanted.wanted:
        return None
    from voiced.edges.gpio import Wiring, gpio_from  # noqa: PLC0415  an optional extra

    return gpio_from(
        Wiring(
            chip=wanted.chip,
            inputs=wanted.inputs,
            lamps=wanted.lamps,
            active_low=wanted.active_low,
            lamps_active_low=wanted.led_active_low,
            bias=wanted.bias,
            debounce_ms=wanted.debounce_ms,
        )
    )


def keys_from(config: Config) -> KeyDevice | None:
    """The keys of an input device, where some are named."""
    wanted = config.input
    if not wanted.device:
        return None
    return KeyDevice(Path(wanted.device), wanted.keys, grab=wanted.grab)
