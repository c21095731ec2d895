"""What a new session hears of the last one: an unanswered turn once, nothing stale, all of it in order."""

from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.format import FRAME_BYTES, FRAME_MS, Frame
from voiced.link.tape import Tape


def frame(number: int) -> Frame:
    return number.to_bytes(4, "little").ljust(FRAME_BYTES, b"\0")


def numbers(tape: Tape) -> list[int]:
    """What waits, by number."""
    return [int.from_bytes(tape.take()[1][:4], "little") for _ in range(tape.waiting)]


def sent(tape: Tape, count: int, first: int = 0) -> None:
    """Frames that went up, one each 20 ms, the first at 0 s."""
    for number in range(first, first + count):
        tape.sent(frame(number), (number + 1) * FRAME_MS, number * FRAME_MS / 1000)


def test_an_open_turn_is_told_again_from_its_beginning() -> None:
    tape = Tape(60_000)
    sent(tape, 1000)
    tape.turn_begins(19_000)  # frames 950 on; the server says so a little later
    sent(tape, 500, first=1000)
    assert tape.retell(1_000.0, whole=True, keep_ms=2000) == 550
    assert numbers(tape) == list(range(950, 1500))


def test_what_waits_comes_after_what_is_told_again() -> None:
    tape = Tape(60_000)
    sent(tape, 10)
    tape.turn_begins(0)
    tape.add([frame(10), frame(11)], 0.2)
    tape.retell(0.3, whole=True, keep_ms=2000)
    assert numbers(tape) == list(range(12))


def test_a_turn_is_told_again_once_and_the_next_one_once() -> None:
    tape = Tape(60_000)
    for whole in (550, 0):
        tape.turn_begins(0)
        sent(tape, 550)
        assert tape.retell(1_000.0, whole=True, keep_ms=2000) == whole
        numbers(tape)
    sent(tape, 100)
    tape.turn_is_over()
    tape.turn_begins(2_000)
    sent(tape, 100, first=100)
    assert tape.retell(1_000.0, whole=True, keep_ms=2000) == 100


def test_after_an_outage_only_what_is_fresh_is_told_again() -> None:
    tape = Tape(60_000)
    sent(tape, 500)  # until 10 s
    tape.turn_begins(0)
    assert tape.retell(10.5, whole=False, keep_ms=2000) == 75 - 1
    assert numbers(tape)[0] == 426


def test_what_waited_too_long_is_dropped_and_counted() -> None:
    tape = Tape(60_000)
    tape.add([frame(0)], 0.0)
    tape.add([frame(1)], 9.0)
    tape.retell(10.0, whole=False, keep_ms=2000)
    assert numbers(tape) == [1]
    assert tape.dropped == 1


def test_what_was_answered_is_not_told_again_however_fresh_it_is() -> None:
    tape = Tape(60_000)
    sent(tape, 50)
    tape.turn_begins(0)
    tape.turn_is_over()
    sent(tape, 10, first=50)
    assert tape.retell(1.2, whole=False, keep_ms=2000) == 10


def test_a_long_silence_leaves_little_on_the_tape() -> None:
    tape = Tape(60_000)
    sent(tape, 5000)
    assert tape.retell(0.0, whole=False, keep_ms=10**6) == 300  # six seconds


def test_speech_does_not_grow_younger_by_waiting_in_one_session_for_the_next() -> None:
    """Lost again while the backlog goes up: what waited for the first is older by then."""
    tape = Tape(60_000)
    tape.add([frame(number) for number in range(100)], 10.0)  # two seconds of it
    for number in range(20):
        spoken_s, each = tape.take()
        tape.sent(each, (number + 1) * FRAME_MS, spoken_s)
    tape.retell(11.01, whole=False, keep_ms=2000)
    assert numbers(tape) == list(range(50, 100))


STEPS: st.SearchStrategy[list[tuple[str, int]]] = st.lists(
    st.tuples(
        st.sampled_from(["send", "add", "begin", "over", "retell", "retell whole"]),
        st.integers(0, 120),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_it_is_bounded_in_order_and_counted(steps: list[tuple[str, int]]) -> None:
    longest_ms = 2_000
    tape, now_ms, number, session_ms = Tape(longest_ms), 0, 0, 0
    for what, amount in steps:
        if what == "begin":
            tape.turn_begins(max(0, session_ms - amount * FRAME_MS))
        elif what == "over":
            tape.turn_is_over()
        elif what.startswith("retell"):
            tape.retell(now_ms / 1000, whole=what == "retell whole", keep_ms=1000)
            session_ms = 0
        if what not in {"send", "add"}:
            continue
        for _ in range(amount):
            now_ms += FRAME_MS
            if what == "add":
                tape.add([frame(number)], now_ms / 1000)
            else:
                session_ms += FRAME_MS
                tape.sent(frame(number), session_ms, now_ms / 1000)
            number += 1
        assert tape.waiting <= 2 * longest_ms // FRAME_MS + 300
    assert tape.retold + tape.dropped <= 100 * (number + 1)


def test_on_a_narrow_link_what_waits_does_not_get_stale() -> None:
    tape = Tape(60_000, keep_ms=1000)
    for number in range(0, 1000, 2):  # two come for each that goes
        tape.add([frame(number), frame(number + 1)], number * FRAME_MS / 1000)
        assert tape.waiting <= 50
        tape.take()
    assert numbers(tape) == list(range(1000 - 49, 1000))
    assert tape.dropped == 1000 - 500 - 49


def test_what_is_said_while_a_turn_is_told_again_waits_behind_it() -> None:
    tape = Tape(60_000, keep_ms=1000)
    tape.turn_begins(0)
    sent(tape, 1000)
    tape.retell(20.0, whole=True, keep_ms=1000)
    told = []
    for number in range(1000, 1400):  # four go for each that comes
        tape.add([frame(number)], number * FRAME_MS / 1000)
        told += [int.from_bytes(tape.take()[1][:4], "little") for _ in range(min(4, tape.waiting))]
    assert told == list(range(1400))
    assert tape.dropped == 0
    # And from then on nothing gets stale again.
    tape.add([frame(number) for number in range(200)], 30.0)
    assert tape.waiting == 50


def test_a_link_that_gets_narrow_while_it_catches_up_falls_no_further_behind() -> None:
    tape = Tape(60_000, keep_ms=1000)
    tape.turn_begins(0)
    sent(tape, 10)
    tape.retell(1.0, whole=True, keep_ms=1000)
    tape.add([frame(number) for number in range(10, 110)], 1.0)
    for _ in range(60):  # all that is told again, and half of what was said meanwhile
        tape.take()
    tape.add([frame(number) for number in range(110, 310)], 2.0)
    assert tape.waiting == 50 + 50
    assert numbers(tape)[0] == 210


def test_the_slowest_batches_fit_however_little_may_be_kept() -> None:
    tape = Tape(60_000, keep_ms=20)
    tape.add([frame(number) for number in range(20)], 0.0)
    assert tape.dropped == 0


def test_another_conversation_is_told_nothing_that_is_older() -> None:
    tape = Tape(2_000, keep_ms=2_000)
    for number in range(50):
        tape.sent(frame(number), (number + 1) * FRAME_MS, number * 0.02)
    tape.turn_begins(0)
    tape.add([frame(50)], 1.0)
    tape.forget_before(0.5)
    assert not tape.turn_is_open
    assert tape.retell(1.0, whole=True, keep_ms=2000) == 50 - 26
    assert tape.take()[1] == frame(26)
    tape.forget_before(1.0)
    assert tape.waiting == 0
