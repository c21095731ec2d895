"""The clock of turns, and the buffer it points into: all in appended audio."""

from voiced.local.ears import Window
from voiced.local.sound import silence
from voiced.local.turns import Edge, InputBuffer, Started, Stopped, TurnClock, TurnRules

USUAL = TurnRules(threshold=0.5, prefix_ms=300, silence_ms=500)
MS = 24  # samples


def hear(clock: TurnClock, *stretches: tuple[int, float], window_ms: int = 20) -> list[Edge]:
    found = []
    for length_ms, probability in stretches:
        for _ in range(length_ms // window_ms):
            edge = clock.hear(Window(window_ms * MS, probability))
            if edge is not None:
                found.append(edge)
    return found


def test_a_turn_has_padding_before_and_silence_after() -> None:
    clock = TurnClock(USUAL, 0)

    assert hear(clock, (1000, 0.0), (800, 0.9), (600, 0.1)) == [Started(700), Stopped(2300)]


def test_positions_go_on_from_turn_to_turn_and_never_overlap() -> None:
    clock = TurnClock(USUAL, 0)
    first = hear(clock, (1000, 0.0), (200, 1.0), (500, 0.0))
    second = hear(clock, (100, 0.0), (200, 1.0), (500, 0.0))

    assert first == [Started(700), Stopped(1700)]
    assert second == [Started(1700), Stopped(2500)]


def test_padding_never_reaches_before_the_beginning() -> None:
    assert hear(TurnClock(USUAL, 0), (100, 1.0)) == [Started(0)]
    assert hear(TurnClock(USUAL, 5000 * MS), (100, 1.0)) == [Started(5000)]


def test_a_click_is_no_speech_and_a_pause_is_no_end() -> None:
    clock = TurnClock(USUAL, 0)

    assert hear(clock, (1000, 0.0), (40, 1.0), (1000, 0.0)) == []
    assert hear(clock, (200, 1.0), (480, 0.0), (200, 1.0), (480, 0.0)) == [Started(1740)]


def test_the_threshold_is_a_little_lower_while_someone_speaks() -> None:
    clock = TurnClock(USUAL, 0)

    assert hear(clock, (1000, 0.4)) == []
    assert hear(clock, (100, 0.6), (2000, 0.4)) == [Started(700)]
    assert hear(clock, (500, 0.3)) == [Stopped(3600)]


def test_any_window_length_gives_exact_ends() -> None:
    clock = TurnClock(TurnRules(0.5, 0, 100), 0)

    assert hear(clock, (640, 0.0), (320, 1.0), (320, 0.0), window_ms=32) == [
        Started(640),
        Stopped(1060),
    ]


def test_restarting_forgets_a_turn_and_what_lies_before() -> None:
    clock = TurnClock(USUAL, 0)
    hear(clock, (1000, 1.0))
    clock.restart()

    assert not clock.speaking
    assert hear(clock, (100, 1.0)) == [Started(1000)]


def test_no_patience_at_all_is_possible() -> None:
    clock = TurnClock(TurnRules(0.0, 0, 0), 0)

    assert hear(clock, (100, 0.1), (20, 0.0)) == [Started(0), Stopped(100)]


def test_the_buffer_hands_over_exactly_what_is_asked() -> None:
    buffer = InputBuffer(10_000)
    buffer.append(bytes(48 * 1000) + b"\1" * 48 * 500)

    assert buffer.take(990, 1010) == bytes(480) + b"\1" * 480
    assert buffer.starts_ms == 1010
    assert buffer.held_ms == 490.0
    assert buffer.take_all() == b"\1" * 48 * 490
    assert buffer.total_ms == 1500
    assert buffer.held_ms == 0


def test_the_buffer_forgets_the_oldest() -> None:
    buffer = InputBuffer(limit_ms=1000)
    for _ in range(100):
        buffer.append(silence(20))

    assert buffer.total_ms == 2000
    assert buffer.held_ms == 1000
    assert buffer.take(0, 1500) == silence(500)
