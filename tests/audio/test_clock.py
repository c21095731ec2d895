"""From the server's audio time to our clock."""

import pytest

from voiced.audio.clock import SpeechClock


def sending(*, frames: int, began_s: float = 100.0) -> SpeechClock:
    """Frames that went up as they were spoken, 20 ms apart."""
    clock = SpeechClock()
    for number in range(1, frames + 1):
        clock.sent(480, began_s + number * 0.02)
    return clock


@pytest.mark.parametrize("audio_ms", [0, 20, 730, 1000])
def test_while_speech_flows_a_millisecond_was_spoken_when_it_was(audio_ms: int) -> None:
    assert sending(frames=50).time_of(audio_ms) == pytest.approx(100.0 + audio_ms / 1000)


def test_it_counts_sound_and_not_time() -> None:
    """After a pause in sending, audio time has stood still: the server counts bytes."""
    clock = sending(frames=50)
    for number in range(1, 51):
        clock.sent(480, 160.0 + number * 0.02)
    assert clock.time_of(2000) == pytest.approx(161.0)
    assert clock.time_of(1500) == pytest.approx(160.5)


def test_speech_that_waited_and_went_up_at_once_ends_with_the_last_sample() -> None:
    clock = SpeechClock()
    for _ in range(50):
        clock.sent(480, 7.0)
    assert clock.time_of(1000) == 7.0
    assert clock.time_of(0) == 6.0


def test_all_samples_are_counted() -> None:
    assert sending(frames=50).sent_samples == 24_000


def test_what_was_spoken_before_a_pause_was_spoken_before_it() -> None:
    clock = sending(frames=50)
    for began_s in (160.0, 300.0):
        for number in range(1, 51):
            clock.sent(480, began_s + number * 0.02)
    assert clock.time_of(500) == pytest.approx(100.5)
    assert clock.time_of(1000) == pytest.approx(101.0)
    assert clock.time_of(1500) == pytest.approx(160.5)
    assert clock.time_of(2500) == pytest.approx(300.5)
