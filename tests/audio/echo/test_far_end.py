"""The far end: every sample once and in order, on the microphone's clock, whatever jitter and pauses do."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from voiced.audio.echo.far_end import FarEnd
from voiced.audio.format import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME, Frame

SECOND = 50  # frames
CUSHION = 240 + 12  # 10 ms, and what reading between samples wants
RESTED = 12  # frames without a block, after which it rests


@frozen
class Devices:
    """A loudspeaker that takes blocks, and a microphone that gives frames; times in seconds."""

    rate_hz: int = 48_000
    block_ms: int = 5
    ppm: float = 0.0  # by which the loudspeaker's clock is faster
    late_s: float = 0.003  # blocks, at most
    frame_late_s: float = 0.003  # the microphone's, at most

    def turns(self, seconds: float, seed: int = 1) -> Iterator[int]:
        """For each frame of the microphone: how many blocks have come since the one before."""
        rng = np.random.default_rng(seed)
        per_s = self.rate_hz / (self.rate_hz * self.block_ms // 1000) * (1 + self.ppm * 1e-6)
        phase = rng.uniform(0, 0.02)
        frames = round(seconds * SECOND)
        now_s = phase + np.arange(frames) * 0.02 + rng.uniform(0, self.frame_late_s, frames)
        due_s = np.arange(1, int(seconds * per_s) + 1) / per_s
        come_s = np.maximum.accumulate(due_s + rng.uniform(0, self.late_s, due_s.size))
        come = np.searchsorted(come_s, np.maximum.accumulate(now_s), side="right")
        return iter(np.diff(come, prepend=0).tolist())

    def block(self) -> bytes:
        return bytes(2 * (self.rate_hz * self.block_ms // 1000))


class Counting:
    """Blocks at 24 kHz whose samples tell their number (from 1 on, twice the same, as 15 bits)."""

    def __init__(self) -> None:
        self.given = 0

    def block(self, samples: int) -> bytes:
        numbers = np.arange(self.given, self.given + samples) % 30_000 + 1
        self.given += samples
        return numbers.astype("<i2").tobytes()


def numbers(frames: list[Frame]) -> list[int]:
    """Of the samples that came out, zeros left away."""
    return [int(each) for each in np.frombuffer(b"".join(frames), "<i2") if each]


def lived(far_end: FarEnd, devices: Devices, seconds: float, seed: int = 1) -> None:
    block = devices.block()
    for come in devices.turns(seconds, seed):
        for _ in range(come):
            far_end.take(block, devices.rate_hz)
        far_end.next_frame()


@pytest.mark.parametrize("blocks_at_once", [1, 4])
@pytest.mark.parametrize("ppm", [-200.0, 0.0, 50.0, 200.0])
def test_where_it_is_known_when_blocks_were_taken_the_clocks_are_known_soon(
    ppm: float, blocks_at_once: int
) -> None:
    rng, far_end, block = np.random.default_rng(7), FarEnd(), Devices().block()
    per_s, taken = 200 * (1 + ppm * 1e-6), 0
    for frame in range(20 * SECOND):
        now_s = 0.02 * frame + rng.uniform(0, 0.003)
        while (taken_s := taken / per_s + rng.uniform(0, 0.003)) <= now_s:
            for _ in range(blocks_at_once):
                far_end.take(block, 48_000, now_s - taken_s)
            taken += blocks_at_once
        far_end.next_frame()
    assert far_end.drift_ppm == pytest.approx(ppm, abs=40)


def test_while_the_loudspeaker_rests_there_is_silence() -> None:
    far_end = FarEnd()
    assert [far_end.next_frame() for _ in range(3)] == [SILENT_FRAME] * 3
    assert (far_end.rested_frames, far_end.runs) == (3, 0)


def test_the_first_sound_comes_with_a_cushion_of_10_ms() -> None:
    far_end, source = FarEnd(), Counting()
    far_end.take(source.block(480), 24_000)
    first = np.frombuffer(far_end.next_frame(), "<i2")
    assert list(first) == [0] * CUSHION + list(range(1, FRAME_SAMPLES - CUSHION + 1))
    assert far_end.inserted == CUSHION


def test_without_drift_every_sample_comes_out_once_and_in_order_to_the_bit() -> None:
    far_end, source = FarEnd(), Counting()
    out = []
    for turn in range(40):
        for _ in range((4, 3, 5, 4)[turn % 4]):
            far_end.take(source.block(120), 24_000)
        out.append(far_end.next_frame())
    out += [far_end.next_frame() for _ in range(RESTED)]
    assert numbers(out) == [number % 30_000 + 1 for number in range(source.given)]
    assert (far_end.dropped, far_end.starved, far_end.jumps) == (0, 0, 0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=120))
def test_none_is_lost_nor_out_of_order_without_a_count(turns: list[int]) -> None:
    """Blocks that come as they like: before the clocks are judged, nothing is stretched."""
    far_end, source = FarEnd(), Counting()
    out = []
    for come in turns:
        for _ in range(come):
            far_end.take(source.block(120), 24_000)
        out.append(far_end.next_frame())
        if far_end.drift_ppm or far_end.jumps:
            return
    out += [far_end.next_frame() for _ in range(200)]  # until the second that may wait is over
    assert all(len(each) == FRAME_BYTES for each in out)
    came = numbers(out)
    assert len(came) == source.given - far_end.dropped
    assert all((b - a) % 30_000 >= 1 for a, b in pairwise(came))


@pytest.mark.parametrize("ppm", [0, 50, -50, 200, -200])
def test_clocks_that_differ_are_known_after_two_minutes_and_do_not_starve_it(
    ppm: int,
) -> None:
    far_end = FarEnd()
    devices = Devices(24_000, ppm=ppm)  # the cheapest for ten minutes
    block = devices.block()
    for frame, come in enumerate(devices.turns(600)):
        for _ in range(come):
            far_end.take(block, devices.rate_hz)
        far_end.next_frame()
        if frame == 120 * SECOND:
            assert far_end.drift_ppm == pytest.approx(ppm, abs=25)
    assert far_end.drift_ppm == pytest.approx(ppm, abs=8)
    assert (far_end.jumps, far_end.runs) == (0, 1)
    assert far_end.starved <= 48  # 2 ms, before the clocks are known
    assert 0 <= far_end.held_ms <= 25


@pytest.mark.parametrize(
    "devices",
    [
        Devices(8_000),
        Devices(16_000, 10),
        Devices(24_000, 20),
        Devices(32_000),
        Devices(44_100),
        Devices(96_000),
        Devices(late_s=0.01, frame_late_s=0.02),
        Devices(late_s=0.02),
        Devices(late_s=0.0, frame_late_s=0.0),
    ],
    ids=str,
)
def test_all_rates_and_more_jitter_are_borne(devices: Devices) -> None:
    far_end = FarEnd()
    lived(far_end, evolve(devices, ppm=-200), 120)
    assert far_end.drift_ppm == pytest.approx(-200, abs=80)
    assert far_end.jumps == 0
    assert far_end.starved <= 24 * 40  # the cushion has grown, and then was enough
    assert far_end.held_ms <= 80


def test_a_sound_keeps_its_pitch_and_level_though_it_is_stretched() -> None:
    far_end = FarEnd()
    devices = Devices(ppm=200)
    tone = np.sin(2 * np.pi * 1000 * np.arange(48_000 * 61) / 48_000) * 10_000
    pcm, at, out = tone.astype("<i2").tobytes(), 0, []
    for come in devices.turns(60):
        for _ in range(come):
            far_end.take(pcm[at : at + 480], 48_000)
            at += 480
        out.append(far_end.next_frame())
    heard = np.frombuffer(b"".join(out[-250:]), "<i2") / 10_000
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    peak = int(np.argmax(spectrum))
    assert peak / 5 == pytest.approx(1000, abs=0.5)  # Hz
    spectrum[peak - 10 : peak + 11] = 0
    assert spectrum.max() < 1e-3 * heard.size / 4  # 60 dB
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(0.5), rel=0.001)


def test_a_loudspeaker_that_stops_and_starts_is_a_new_run_and_the_drift_is_kept() -> None:
    far_end = FarEnd()
    lived(far_end, Devices(ppm=100), 120)
    known = far_end.drift_ppm
    for _ in range(200):
        far_end.next_frame()
    assert far_end.next_frame() == SILENT_FRAME
    assert far_end.drift_ppm == pytest.approx(known, abs=1)
    assert known == pytest.approx(100, abs=20)
    lived(far_end, Devices(ppm=100), 5)
    assert far_end.runs == 2
    assert far_end.drift_ppm == pytest.approx(known, abs=10)


def test_a_rest_in_between_loses_nothing() -> None:
    far_end, source, out = FarEnd(), Counting(), []
    for _run in range(3):
        for _ in range(10):
            far_end.take(source.block(480), 24_000)
            out.append(far_end.next_frame())
        out += [far_end.next_frame() for _ in range(20)]
    assert far_end.runs == 3
    assert numbers(out) == list(range(1, source.given + 1))


def test_what_is_taken_ahead_at_the_start_stays() -> None:
    far_end, source = FarEnd(), Counting()
    far_end.take(source.block(480 * 3), 24_000)
    assert numbers([far_end.next_frame()])[0] == 1
    assert far_end.dropped == 0


@pytest.mark.parametrize("ahead", [0, 3, 12])
@pytest.mark.parametrize("phase_ms", [0.5, 4.0, 9.0, 13.0, 19.5])
def test_later_runs_begin_where_the_first_one_was(ahead: int, phase_ms: float) -> None:
    """Whenever in a frame of the microphone's the loudspeaker begins: else a canceller would learn anew."""
    far_end, source, out = FarEnd(), Counting(), bytearray()
    lags_ms = []
    for begins_s in (0.1 + 0.004, 4.0 + phase_ms / 1000):
        wanted = source.given + 1200  # what comes first may have been left out
        given_s = [begins_s] * ahead + [begins_s + at * 0.005 for at in range(200)]
        while len(out) < 2 * 24_000 * (begins_s + 3):
            now_s = len(out) / 48_000 + 0.02
            while given_s and given_s[0] <= now_s:
                far_end.take(source.block(120), 24_000, now_s - given_s.pop(0))
            out += far_end.next_frame()
        place = int(np.argmin(np.abs(np.frombuffer(out, "<i2").astype(int) - wanted)))
        lags_ms.append(place / 24 - 1000 * begins_s)
    assert far_end.runs == 2
    assert lags_ms[1] == pytest.approx(lags_ms[0], abs=5), "a block"


def test_another_loudspeaker_begins_where_it_will() -> None:
    """One that takes much more ahead, or less, has its echo elsewhere."""
    far_end, source = FarEnd(), Counting()
    for ahead in (60, 1):
        far_end.take(source.block(120 * ahead), 24_000)
        for _ in range(100):
            far_end.take(source.block(480), 24_000)
            far_end.next_frame()
        for _ in range(200):
            far_end.next_frame()
    assert far_end.runs == 2
    far_end.take(source.block(960), 24_000)
    far_end.next_frame()
    assert far_end.held_ms < 60


def test_a_microphone_that_lost_200_ms_is_noticed_and_mended_within_2_s() -> None:
    far_end, devices = FarEnd(), Devices()
    lived(far_end, devices, 30)
    before = far_end.held_ms
    for _ in range(40):
        far_end.take(devices.block(), 48_000)
    lived(far_end, devices, 2)
    assert far_end.jumps == 1
    assert far_end.held_ms == pytest.approx(before, abs=8)


def test_a_loudspeaker_that_ran_dry_for_100_ms_had_zeros_itself() -> None:
    far_end, devices = FarEnd(), Devices()
    lived(far_end, devices, 30)
    before = far_end.held_ms
    for _ in range(5):
        far_end.next_frame()
    for _ in range(4):
        far_end.take(devices.block(), 48_000)  # it fills what it holds
    lived(far_end, devices, 3)
    assert far_end.starved > 24 * 80
    assert far_end.held_ms == pytest.approx(before, abs=16)
    assert far_end.runs == 1


def test_no_more_than_a_second_waits_while_the_microphone_gives_nothing() -> None:
    far_end, source = FarEnd(), Counting()
    for _ in range(1000):
        far_end.take(source.block(120), 24_000)
    assert far_end.dropped > 0
    out = [far_end.next_frame() for _ in range(200)]
    assert len(numbers(out)) == source.given - far_end.dropped
    assert numbers(out)[-1] == (source.given - 1) % 30_000 + 1


def test_another_rate_goes_on_where_the_first_ended() -> None:
    far_end, source, out = FarEnd(), Counting(), []
    for _ in range(10):
        far_end.take(source.block(480), 24_000)
        out.append(far_end.next_frame())
    for _ in range(10):
        far_end.take(np.full(960, 7, "<i2").tobytes(), 48_000)
        out.append(far_end.next_frame())
    came = numbers(out)
    assert came[: source.given] == list(range(1, source.given + 1))
    assert set(came[source.given + 300 :]) == {7}
