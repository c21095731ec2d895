"""The ring between the Trio thread and the audio thread: every sample once, in order, or cut."""

import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voiced.audio.convert import Pcm
from voiced.audio.fade import fade_out
from voiced.audio.valve import EDGE_MS, Valve
from voiced.edges.ring import Ring

RATE_HZ = 1000  # so that the edges of a break are five samples
EDGE = EDGE_MS
NO_EDGES_HZ = 100  # they are shorter than a sample


def ramp(start: int, count: int) -> Pcm:
    """Samples of which no two neighbours are alike, and none is silent."""
    return (np.arange(start, start + count) % 30_000 + 1).astype(np.int16)


def pulled(ring: Ring, count: int) -> Pcm:
    out = np.full(count, -7, np.int16)
    ring.pull(out)
    return out


class Model(RuleBasedStateMachine):
    """The ring against a list, and a valve of its own. Small capacities, so that it wraps around often."""

    @initialize(capacity=st.integers(1, 40))
    def begin(self, capacity: int) -> None:
        self.capacity = capacity
        self.ring, self.valve = Ring(capacity, RATE_HZ), Valve(RATE_HZ)
        self.waiting: list[int] = []
        self.taken = self.dry = self.number = 0

    @rule(share=st.floats(0, 1))
    def write(self, share: float) -> None:
        samples = ramp(self.number, int(self.ring.room * share))
        self.number += samples.size
        self.ring.write(samples)
        if samples.size:
            self.valve.goes_on()
        self.waiting += samples.tolist()

    @rule(share=st.floats(0, 1))
    def finish(self, share: float) -> None:
        samples = ramp(self.number, int(self.ring.room * share))
        self.number += samples.size
        self.ring.finish(samples)
        self.waiting += samples.tolist()
        self.valve.ends(waiting=len(self.waiting))

    @rule(gain=st.floats(0, 1), at_once=st.booleans())
    def ramp_to(self, gain: float, at_once: bool) -> None:
        self.ring.ramp_to(gain, at_once=at_once)
        self.valve.ramp_to(gain, at_once=at_once)

    @rule(more=st.integers(1, 50))
    def write_too_much(self, more: int) -> None:
        with pytest.raises(ValueError, match="do not fit"):
            self.ring.write(ramp(0, self.ring.room + more))

    @rule(count=st.integers(0, 60))
    def pull(self, count: int) -> None:
        real = min(count, len(self.waiting))
        expected = np.array(self.waiting[:real] + [0] * (count - real), np.int16)
        self.valve.pass_on(expected, real)
        assert pulled(self.ring, count).tolist() == expected.tolist()
        del self.waiting[:real]
        self.taken += real
        self.dry = (0 if real else self.dry) + count - real

    @rule(fade=st.integers(0, 60))
    def cut(self, fade: int) -> None:
        kept = min(fade, len(self.waiting))
        self.waiting = fade_out(np.array(self.waiting[:kept], np.int16)).tolist()
        assert self.ring.cut(fade) == self.taken + kept
        self.valve.ends(waiting=kept)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.ring.waiting == len(self.waiting)
        assert self.ring.room == self.capacity - len(self.waiting)
        assert self.ring.taken == self.taken
        assert self.ring.written == self.taken + len(self.waiting)
        assert self.ring.dry == self.dry
        assert self.ring.audible(0) == self.taken


Model.TestCase.settings = settings(deadline=None, max_examples=200)
TestModel = Model.TestCase


def test_a_fresh_ring_gives_silence_and_counts_it() -> None:
    ring = Ring(100, RATE_HZ)
    assert not pulled(ring, 30).any()
    assert (ring.taken, ring.dry, ring.waiting, ring.room) == (0, 30, 0, 100)


def test_what_wraps_around_comes_out_in_order() -> None:
    ring = Ring(100, RATE_HZ)
    for start in range(0, 3000, 70):
        ring.write(ramp(start, 70))
        assert pulled(ring, 70).tolist() == ramp(start, 70).tolist()
    assert ring.dry == 0


def test_an_underrun_is_silence_after_the_last_sample() -> None:
    ring = Ring(100, RATE_HZ)
    ring.write(ramp(0, 10))
    out = pulled(ring, 25)
    assert out.tolist() == [*ramp(0, 10).tolist(), *out[10:].tolist()]
    assert not out[10 + EDGE :].any()  # after a short fall
    assert (ring.taken, ring.dry) == (10, 15)
    pulled(ring, 25)
    assert ring.dry == 40
    ring.write(ramp(0, 1))
    pulled(ring, 1)
    assert ring.dry == 0


@pytest.mark.parametrize("at", [0, 1, 70, 99])  # the last two: the fade wraps around
def test_a_cut_leaves_a_fade_and_then_silence(at: int) -> None:
    ring = Ring(100, RATE_HZ)
    ring.write(ramp(0, at))
    pulled(ring, at)
    ring.write(np.full(100, 20_000, np.int16))
    assert ring.cut(24) == at + 24
    out = pulled(ring, 60)
    assert out[0] == 20_000
    assert (np.diff(out) <= 0).all()
    assert not out[23:].any()
    assert ring.taken == at + 24


def test_a_cut_of_nothing_is_nothing() -> None:
    ring = Ring(100, RATE_HZ)
    assert ring.cut(24) == 0
    ring.write(ramp(0, 5))
    pulled(ring, 5)
    assert ring.cut(24) == 5


def test_a_cut_without_a_fade_is_silent_at_once() -> None:
    ring = Ring(100, RATE_HZ)
    ring.write(ramp(0, 50))
    assert ring.cut(0) == 0
    assert not pulled(ring, 50).any()


def test_after_a_cut_there_is_room_again_and_what_follows_is_heard_whole() -> None:
    ring = Ring(100, RATE_HZ)
    ring.write(ramp(0, 100))
    ring.cut(10)
    assert ring.room == 90
    ring.write(ramp(500, 90))
    assert pulled(ring, 100)[10:].tolist() == ramp(500, 90).tolist()


# --- two threads ----------------------------------------------------------------------------------


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Let threads alternate as often as Python can, so that what can happen between two does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_two_threads_lose_no_sample_and_repeat_none(restless_threads: None) -> None:
    ring, total = Ring(997, NO_EDGES_HZ), 200_000
    heard: list[Pcm] = []
    given_up = threading.Event()

    def audio_thread() -> None:
        while ring.taken < total and not given_up.is_set():
            before = ring.taken
            out = pulled(ring, 61)
            heard.append(out[: ring.taken - before].copy())

    listener = threading.Thread(target=audio_thread, daemon=True)
    listener.start()
    sound = ramp(0, total)
    at = 0
    while at < total and listener.is_alive():
        size = min(ring.room, 83, total - at)
        ring.write(sound[at : at + size])
        at += size
    listener.join(timeout=60)
    given_up.set()
    assert not listener.is_alive(), "the audio thread hangs"
    assert np.array_equal(np.concatenate(heard), sound)


def test_whatever_the_audio_thread_does_a_cut_says_exactly_what_will_have_sounded(
    restless_threads: None,
) -> None:
    ring = Ring(5000, RATE_HZ)
    stop = threading.Event()
    sounded: list[Pcm] = []

    def audio_thread() -> None:
        while not stop.is_set():
            before = ring.taken
            out = pulled(ring, 61)
            sounded.append(out[: ring.taken - before].copy())

    listener = threading.Thread(target=audio_thread, daemon=True)
    listener.start()
    ends: list[int] = []
    written: list[int] = []
    for number in range(300):
        sound = np.full(1000, number + 1, np.int16)
        ring.write(sound)
        while ring.waiting > 400 + number:
            pass
        end = ring.cut(48)
        ends.append(end)
        written.append(end - sum(written))
        while ring.waiting:
            pass
        assert ring.taken == end
    stop.set()
    listener.join(timeout=60)
    assert not listener.is_alive(), "the audio thread hangs"
    assert sum(piece.size for piece in sounded) == ends[-1] == sum(written)
    everything = np.concatenate(sounded)
    for number, (end, count) in enumerate(zip(ends, written, strict=True)):
        answer = everything[end - count : end]
        assert set(answer[:-48].tolist()) == {number + 1}, "an answer leaked into another"
        assert (np.diff(answer.astype(int)) <= 0).all()
