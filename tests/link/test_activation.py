"""When there is a conversation, as a table, and what the door lets through, frame by frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.format import FRAME_MS, SILENT_FRAME, Frame
from voiced.link.activation import Activation, Cause, Ended, Mode
from voiced.link.door import Door, SpeechGate, State

QUIET, LOUD = -80.0, -20.0


def frame(number: int) -> Frame:
    return number.to_bytes(2, "little") * 480


# --- activation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("ended", Ended)
@pytest.mark.parametrize("cause", Cause)
def test_who_has_ended_the_last_one_decides_what_begins_the_next(
    mode: Mode, ended: Ended, cause: Cause
) -> None:
    activation = Activation(mode)
    if ended is not Ended.NEVER_BEGUN:
        activation.begin(0.0)
        activation.end(ended)
    begins = {
        Cause.COMMAND: True,
        Cause.BUTTON: mode is Mode.PUSH_TO_TALK,
        Cause.SPEECH: mode is Mode.ALWAYS and ended in {Ended.BY_SILENCE, Ended.BY_TIME},
        Cause.PERMISSION: mode is Mode.ALWAYS and ended in {Ended.NEVER_BEGUN, Ended.FORBIDDEN},
        Cause.WAKE_WORD: mode is Mode.WAKE_WORD and ended is not Ended.BY_COMMAND,
    }
    assert activation.begun_by(cause) is begins[cause]
    activation.forbid("budget spent")
    assert not activation.begun_by(cause)
    assert activation.why == "budget spent"
    activation.permit()
    assert activation.begun_by(cause) is begins[cause]
    assert activation.why not in {"", "budget spent"}


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("mode", Mode)
def test_what_is_begun_cannot_be_begun(mode: Mode, cause: Cause) -> None:
    activation = Activation(mode)
    activation.begin(0.0)
    assert not activation.begun_by(cause)
    assert activation.why == ""


def test_without_limits_nothing_ends_it() -> None:
    activation = Activation()
    activation.begin(0.0)
    assert activation.wakes_at_s(1e9) == float("inf")
    assert activation.due(1e9, busy=False) is None
    assert not activation.looks_for_silence


def test_silence_is_counted_from_the_last_stir() -> None:
    activation = Activation(idle_hangup_s=30.0)
    activation.begin(100.0)
    assert activation.wakes_at_s(100.0) == 130
    activation.stirs(120.0)
    assert activation.due(130.0, busy=False) is None
    assert activation.wakes_at_s(130.0) == 150
    assert activation.due(150.0, busy=True) is None
    assert activation.wakes_at_s(150.0) == 180
    assert activation.due(180.0, busy=False) is Ended.BY_SILENCE


def test_what_may_be_speech_is_given_the_time_to_be_heard_and_no_more() -> None:
    activation = Activation(idle_hangup_s=30.0)
    activation.begin(0.0)
    assert activation.due(30.0, busy=False, loud=True) is None
    assert activation.wakes_at_s(30.0) == pytest.approx(30.2)
    assert activation.due(31.0, busy=False, loud=True) is Ended.BY_SILENCE


def test_time_waits_for_an_answer_but_not_for_ever() -> None:
    activation = Activation(session_max_s=60.0)
    activation.begin(0.0)
    assert activation.wakes_at_s(0.0) == 48.0
    assert not activation.warning(47.9)
    assert activation.warning(48.0).startswith("this conversation ends in 12 s")
    assert not activation.warning(48.2), "once is enough"
    assert activation.wakes_at_s(48.2) == 60.0
    assert activation.due(59.9, busy=False) is None
    assert activation.due(60.0, busy=True) is None
    assert activation.wakes_at_s(60.0) == pytest.approx(60.2)
    assert activation.due(60.2, busy=False) is Ended.BY_TIME
    assert activation.due(90.0, busy=True) is Ended.BY_TIME


@pytest.mark.parametrize(
    ("ended", "why", "told"),
    [
        (Ended.BY_COMMAND, "deactivated", "deactivated"),
        (Ended.BY_COMMAND, "", "not activated"),
        (Ended.BY_SILENCE, "", "hung up after 300 s of silence"),
        (Ended.BY_TIME, "", "hung up: a conversation lasts 3600 s at most"),
    ],
)
def test_the_reason_is_a_sentence(ended: Ended, why: str, told: str) -> None:
    activation = Activation(idle_hangup_s=300.0, session_max_s=3600.0)
    activation.begin(0.0)
    activation.end(ended, why)
    assert activation.why == told
    assert not activation.active


# --- a word, and what follows it ------------------------------------------------------------------


def called() -> Activation:
    return Activation(Mode.WAKE_WORD, idle_hangup_s=6.0, follow_up_s=10.0)


@pytest.mark.parametrize("ended", Ended)
def test_the_status_says_that_a_word_is_waited_for_where_a_word_is_enough(ended: Ended) -> None:
    activation = called()
    if ended is not Ended.NEVER_BEGUN:
        activation.begin(0.0)
        activation.end(ended, "deactivated")
    waits = ended is not Ended.BY_COMMAND
    assert activation.why == ("waiting for the wake word" if waits else "deactivated")
    activation.forbid("budget spent")
    assert activation.why == "budget spent"


def test_who_called_is_waited_for_and_who_was_answered_may_go_on() -> None:
    activation = called()
    activation.begin(0.0)
    assert activation.wakes_at_s(0.0) == 6.0
    activation.answered(5.0)
    assert activation.wakes_at_s(5.0) == 15.0
    assert activation.due(14.9, busy=False) is None
    assert activation.due(15.0, busy=False) is Ended.BY_SILENCE


def test_who_calls_again_is_waited_for_again() -> None:
    activation = called()
    activation.begin(0.0)
    activation.answered(5.0)
    activation.called(8.0)
    assert activation.wakes_at_s(8.0) == 14.0


def test_without_a_follow_up_an_answer_is_the_end() -> None:
    activation = Activation(Mode.WAKE_WORD, idle_hangup_s=6.0, follow_up_s=0.0)
    activation.begin(0.0)
    activation.answered(5.0)
    assert activation.due(5.0, busy=True) is None, "it may have two parts"
    assert activation.wakes_at_s(5.0) == pytest.approx(5.2)
    assert activation.due(5.2, busy=False) is Ended.BY_SILENCE


def test_in_other_modes_an_answer_changes_no_patience() -> None:
    activation = Activation(Mode.ON_COMMAND, idle_hangup_s=60.0)
    activation.begin(0.0)
    activation.answered(5.0)
    assert activation.wakes_at_s(5.0) == 65.0


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["stirs", "answered", "called", "busy"]), st.floats(0.0, 30.0)),
    max_size=30,
)


@given(HAPPENINGS, st.floats(2.0, 60.0), st.floats(0.0, 60.0))
def test_it_ends_after_exactly_the_silence_that_was_promised(
    happenings: list[tuple[str, float]], patience_s: float, follow_up_s: float
) -> None:
    """Whatever happens, the last stir and what came before decide, and nothing else."""
    activation = Activation(Mode.WAKE_WORD, patience_s, follow_up_s=follow_up_s)
    activation.begin(0.0)
    now_s, last_s, window_s = 0.0, 0.0, patience_s
    for what, later_s in happenings:
        now_s += later_s
        last_s = now_s
        match what:
            case "stirs":
                activation.stirs(now_s)
            case "busy":
                assert activation.due(now_s, busy=True) is None
            case "answered":
                window_s = follow_up_s
                activation.answered(now_s)
            case _:
                window_s = patience_s
                activation.called(now_s)
    if window_s > 0.01:
        assert activation.due(last_s + window_s - 0.01, busy=False) is None
    assert activation.due(last_s + window_s + 0.01, busy=False) is Ended.BY_SILENCE
    assert activation.wakes_at_s(last_s) == max(last_s + window_s, last_s + 0.2)


# --- the door -------------------------------------------------------------------------------------


def test_what_is_open_lets_everything_through() -> None:
    door = Door()
    assert [door.admit(frame(n), n * 0.02) for n in range(5)] == [[frame(n)] for n in range(5)]
    assert (door.kept, door.book_withheld()) == (0, 0)


def test_what_is_shut_keeps_the_youngest() -> None:
    door = Door(pre_roll_ms=60)
    door.shut()
    assert not any(door.admit(frame(n), n * 0.02) for n in range(10))
    assert (door.kept, door.book_withheld(), door.book_withheld()) == (3, 7, 0)
    assert door.open(0.18) == [frame(7), frame(8), frame(9)]
    assert door.admit(frame(10), 0.2) == [frame(10)]
    assert (door.kept, door.book_withheld()) == (0, 0)


def test_what_is_kept_grows_old_though_nothing_follows_it() -> None:
    door = Door(pre_roll_ms=60)
    door.shut()
    for number in range(3):
        door.admit(frame(number), number * 0.02)
    assert door.open(3600.0) == []
    assert door.book_withheld() == 3


def test_what_nobody_has_got_is_kept_at_the_end() -> None:
    door = Door(pre_roll_ms=60)
    door.shut([frame(n) for n in range(5)], 1.0)
    assert door.book_withheld() == 2
    assert door.open(1.0) == [frame(2), frame(3), frame(4)]


def test_whoever_asks_late_gets_what_was_said_since_then() -> None:
    door = Door(pre_roll_ms=60, slack_ms=100)
    door.shut()
    for number in range(20):
        door.admit(frame(number), number * 0.02)
    assert (door.kept, door.book_withheld()) == (8, 12)
    assert door.open(0.4, since_s=0.27) == [frame(n) for n in range(14, 20)]
    assert door.book_withheld() == 2


def test_what_is_kept_for_late_comers_is_for_nobody_else() -> None:
    door = Door(pre_roll_ms=60, slack_ms=100)
    door.shut()
    for number in range(20):
        door.admit(frame(number), number * 0.02)
    assert door.open(0.38) == [frame(17), frame(18), frame(19)]


def test_nothing_is_kept_without_a_pre_roll() -> None:
    door = Door(pre_roll_ms=0)
    door.shut()
    door.admit(frame(1), 0.0)
    assert (door.open(0.0), door.book_withheld()) == ([], 1)


def test_a_turn_that_waits_for_a_session_is_not_pushed_out() -> None:
    door = Door(pre_roll_ms=60)
    door.shut_after(40)
    passed = [n for n in range(10) if door.admit(frame(n), n * 0.02)]
    assert passed == [0, 1]
    assert door.state is State.WAITING
    door.session_begins()
    assert (door.state, door.kept, door.book_withheld()) == (State.OPEN, 0, 8)


def test_a_turn_that_goes_on_after_all_has_no_gap() -> None:
    door = Door(pre_roll_ms=60)
    door.shut_after(20)
    for number in range(3):
        door.admit(frame(number), number * 0.02)
    assert door.resume() == [frame(1), frame(2)]
    assert door.admit(frame(3), 0.1) == [frame(3)]


def test_a_session_opens_no_door_that_somebody_has_shut() -> None:
    door = Door()
    door.shut()
    door.session_begins()
    assert door.state is State.SHUT
    assert door.resume() == []


def test_who_is_muted_is_not_heard_and_a_little_silence_passes() -> None:
    door = Door(tail_ms=60, returns_s=0.04)
    assert door.hears(1.0)
    assert door.mute()
    assert not door.mute()
    assert not door.hears(1e9)
    assert [len(door.admit(SILENT_FRAME, 1.0)) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert door.book_withheld() == 2
    assert door.unmute(2.0)
    assert not door.unmute(2.0)
    assert not door.hears(2.039)
    assert door.hears(2.04)
    assert door.admit(frame(1), 2.04) == [frame(1)]


def test_each_session_of_who_is_muted_hears_an_end() -> None:
    door = Door(tail_ms=40)
    door.mute()
    for _ in range(5):
        door.admit(SILENT_FRAME, 0.0)
    door.session_begins()
    assert [len(door.admit(SILENT_FRAME, 1.0)) for _ in range(4)] == [1, 1, 0, 0]


def test_muting_lets_go_of_what_was_kept() -> None:
    door = Door(pre_roll_ms=100)
    door.shut()
    door.admit(frame(1), 0.0)
    door.mute()
    door.admit(SILENT_FRAME, 0.02)
    assert door.open(0.02) == [SILENT_FRAME]
    assert door.book_withheld() == 1


# --- the gate -------------------------------------------------------------------------------------


def gated() -> Door:
    door = Door(gate=SpeechGate(pre_roll_ms=200, hangover_ms=300))
    assert door.listens
    return door


def passed(door: Door, levels: list[float]) -> list[int]:
    numbers: list[int] = []
    for number, dbfs in enumerate(levels):
        on = door.admit(frame(number), number * FRAME_MS / 1000, dbfs)
        numbers += [int.from_bytes(each[:2], "little") for each in on]
    return numbers


def test_the_gate_lets_words_through_with_what_is_around_them() -> None:
    levels = [QUIET] * 50 + [LOUD] * 20 + [QUIET] * 50
    assert passed(gated(), levels) == list(range(52 - 10, 70 + 16))


def test_a_click_opens_no_gate() -> None:
    assert passed(gated(), [QUIET] * 20 + [LOUD] * 2 + [QUIET] * 20) == []


def test_words_have_gaps() -> None:
    levels = [QUIET] * 20 + ([LOUD] * 10 + [QUIET] * 10) * 5 + [QUIET] * 50
    assert passed(gated(), levels) == list(range(22 - 10, 110 + 16))


def test_a_fan_is_no_speech_for_long() -> None:
    levels = [QUIET] * 50 + [-45.0] * 5000
    assert len(passed(gated(), levels)) < 40 * 50


def test_a_session_that_begins_hears_the_room_for_a_moment() -> None:
    door = gated()
    assert passed(door, [QUIET] * 5) == []
    door.session_begins()
    assert len(passed(door, [QUIET] * 50)) == 5 + 14
    assert door.kept <= 10


@given(
    st.lists(
        st.sampled_from(["quiet", "loud", "mute", "unmute", "open", "shut", "after", "begins"]),
        max_size=200,
    ),
    st.booleans(),
)
def test_each_frame_is_passed_on_kept_or_withheld_and_in_order(
    acts: list[str], with_gate: bool
) -> None:
    gate = SpeechGate(100, 200) if with_gate else None
    door = Door(pre_roll_ms=80, tail_ms=60, returns_s=0.02, gate=gate)
    came, withheld, now_s = 0, 0, 0.0
    on: list[Frame] = []
    for act in acts:
        match act:
            case "mute":
                door.mute()
            case "unmute":
                door.unmute(now_s)
            case "open":
                on += door.open(now_s)
            case "shut":
                door.shut()
            case "after":
                door.shut_after(60)
            case "begins":
                door.session_begins()
            case _:
                came += 1
                now_s += 0.02
                hears = door.hears(now_s)
                level = LOUD if act == "loud" else QUIET
                on += door.admit(frame(came) if hears else SILENT_FRAME, now_s, level)
        withheld += door.book_withheld()
    assert came == len(on) + door.kept + withheld
    numbers = [int.from_bytes(each[:2], "little") for each in on if each != SILENT_FRAME]
    assert numbers == sorted(set(numbers))
