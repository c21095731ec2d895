"""The doctor in a room of real sound servers: what works, what is silent, what is not there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import numpy as np
import pytest
import trio

from tests.rig import RATE_HZ, Room
from voiced.config.whole import Config
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.hearing import Hearing, hearing_from

pytestmark = pytest.mark.audio

_GUARD_S = 60.0  # against hanging; no measure of speed


def hearing(microphone: str = "pulse", loudspeaker: str = "pulse") -> Hearing:
    config = Config()
    return hearing_from(
        attrs.evolve(
            config,
            capture=attrs.evolve(config.capture, device=microphone),
            playout=attrs.evolve(config.playout, device=loudspeaker),
        )
    )


@contextmanager
def echo(latency_ms: int) -> Iterator[None]:
    """What the loudspeaker plays comes back to the microphone."""
    module = pactl(
        *("load-module", "module-loopback", "source=ear.monitor", "sink=mouth"),
        f"latency_msec={latency_ms}",
    )
    try:
        yield
    finally:
        pactl("unload-module", module)


def pactl(*words: str) -> str:
    return subprocess.run(
        ["pactl", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def assert_failed(finding: Finding, *words: str) -> None:
    assert finding.verdict is Verdict.FAILED, finding
    told = f"{finding.seen}\n{finding.cause}\n{finding.action}"
    assert all(word in told for word in words), told


async def test_server_and_devices_that_work(room: Room) -> None:
    examined = hearing()
    with trio.fail_after(_GUARD_S):
        server = await examined.audio_server()
        heard = await examined.microphone_opens()
        spoke = await examined.speaker_opens()
    assert server.verdict is Verdict.OK, server
    assert server.seen.startswith("PulseAudio at /")
    assert heard.verdict is Verdict.OK, heard
    assert heard.figures["device"] == "pulse"
    assert heard.figures["rate_hz"] == 24_000
    assert spoke.verdict is Verdict.OK, spoke
    assert spoke.figures["rate_hz"] == 48_000


async def test_what_comes_back_from_the_loudspeaker_is_measured(room: Room) -> None:
    with trio.fail_after(_GUARD_S), echo(latency_ms=60):
        finding = await hearing().loop()
    assert "audible after" in finding.seen, finding
    assert float(finding.figures["return_db"]) == pytest.approx(0, abs=1.5)
    assert 40 < float(finding.figures["delay_ms"]) < 700


async def test_a_muted_loudspeaker_is_not_heard_and_the_mixer_tells_why(room: Room) -> None:
    examined = hearing()
    with trio.fail_after(_GUARD_S), echo(latency_ms=60):
        assert (await examined.mixer()).verdict is Verdict.OK
        pactl("set-sink-mute", "ear", "1")
        try:
            loop, mixer = await examined.loop(), await examined.mixer()
        finally:
            pactl("set-sink-mute", "ear", "0")
    assert loop.verdict is Verdict.WARNING
    assert "not audible" in loop.seen
    assert mixer.verdict is Verdict.WARNING
    assert mixer.seen == "default loudspeaker: 100 %, muted; default microphone: 100 %"


async def test_zeros_are_told_from_a_quiet_room(room: Room) -> None:
    with trio.fail_after(_GUARD_S):
        assert_failed(await hearing().microphone_level(), "nothing but zeros")
        hiss = np.random.default_rng(1).normal(0, 33, 4 * RATE_HZ)
        await trio.to_thread.run_sync(room.mouth.say, np.rint(hiss).astype(np.int16))
        finding = await hearing().microphone_level()
    assert finding.verdict is Verdict.OK, finding
    # Half its band is lost, and a busy machine interrupts the mouth.
    assert float(finding.figures["rms_dbfs"]) == pytest.approx(-63, abs=6)


async def test_a_device_that_is_not_there_is_told_with_all_that_are(room: Room) -> None:
    examined = hearing("gramophone", "gramophone")
    with trio.fail_after(_GUARD_S):
        for check in (examined.microphone_opens, examined.speaker_opens, examined.loop):
            assert_failed(await check(), '"gramophone": there is none', '"pulse" (ALSA)')


async def test_a_server_that_is_not_there_is_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere/native")

    examined = hearing()
    with trio.fail_after(_GUARD_S):
        assert_failed(
            await examined.audio_server(), "PULSE_SERVER=unix:/nowhere/native leads to no"
        )
        assert_failed(await examined.microphone_opens(), "can't be opened at any rate")
        assert_failed(await examined.speaker_opens(), "can't be opened at any rate")
