"""From moments to numbers: steps that add up, overlapping turns, and any order of anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.turns.figures import Figure, Outcome, Percentiles, Turn
from voiced.turns.moments import Moment
from voiced.turns.timeline import Timeline

M = Moment


class Course:
    """A timeline, and what it said was over."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.over: list[Turn] = []

    def at(self, ms: int, moment: M, item_id: str = "") -> None:
        self.over += self.timeline.note(moment, ms / 1000, item_id)

    def user(self, start: int, end: int, item_id: str) -> None:
        """A turn of the user's; the server is 500 ms late to notice, and commits 3 ms after it."""
        self.at(start, M.SPEECH_START, item_id)
        self.at(end, M.SPEECH_END, item_id)
        self.at(end + 500, M.SPEECH_STOPPED, item_id)
        self.at(end + 503, M.COMMITTED, item_id)

    def answer(self, created: int, item_id: str) -> None:
        """A response; sound comes 300 ms after it, and is audible 60 ms later."""
        self.at(created, M.RESPONSE_CREATED)
        self.at(created + 300, M.FIRST_DELTA, item_id)
        self.at(created + 360, M.FIRST_SOUND, item_id)

    def falls_silent(self, ms: int, moment: M, item_id: str, heard: int, of: int) -> None:
        self.timeline.heard(item_id, heard, of)
        self.at(ms, moment, item_id)


@pytest.fixture
def course() -> Course:
    return Course()


def test_the_steps_of_a_turn_add_up_to_its_total(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    assert course.over == []
    course.falls_silent(4300, M.PLAYED, "a1", 2400, 2400)
    assert course.over == [
        Turn(
            Outcome.ANSWERED,
            {
                Figure.STOPPED: 500,
                Figure.COMMITTED: 3,
                Figure.CREATED: 20,
                Figure.FIRST_DELTA: 300,
                Figure.FIRST_SOUND: 60,
                Figure.TOTAL: 883,
            },
            2400,
            2400,
        )
    ]


def test_a_step_is_taken_from_the_last_one_that_is_known(course: Course) -> None:
    course.at(1000, M.SPEECH_END, "u1")
    course.at(1500, M.SPEECH_STOPPED, "u1")
    course.at(1800, M.FIRST_DELTA, "a1")
    course.at(1860, M.FIRST_SOUND, "a1")
    course.falls_silent(2000, M.PLAYED, "a1", 140, 140)
    assert course.over[0].figures_ms == {
        Figure.STOPPED: 500,
        Figure.FIRST_DELTA: 300,
        Figure.FIRST_SOUND: 60,
        Figure.TOTAL: 860,
    }


def test_a_cut_belongs_to_the_older_turn_and_is_measured_from_the_newer_ones_start(
    course: Course,
) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.at(3000, M.SPEECH_START, "u2")
    course.falls_silent(3022, M.CUT, "a1", 1139, 5000)
    (cut,) = course.over
    assert (cut.outcome, cut.heard_ms, cut.of_ms) == (Outcome.CUT, 1139, 5000)
    assert cut.figures_ms[Figure.SILENCE] == 22

    course.user(3000, 4000, "u2")
    course.answer(4523, "a2")
    course.falls_silent(6000, M.PLAYED, "a2", 1000, 1000)
    assert [turn.outcome for turn in course.over] == [Outcome.CUT, Outcome.ANSWERED]
    assert Figure.SILENCE not in course.over[1].figures_ms


def test_an_answer_that_sounds_on_under_the_next_turn_keeps_its_own_end(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.user(3000, 4000, "u2")  # nobody cut: the answer is finished first
    course.answer(4523, "a2")
    course.falls_silent(5000, M.PLAYED, "a1", 3000, 3000)
    course.falls_silent(6000, M.PLAYED, "a2", 900, 900)
    assert [(turn.outcome, turn.heard_ms) for turn in course.over] == [
        (Outcome.ANSWERED, 3000),
        (Outcome.ANSWERED, 900),
    ]


def test_a_late_item_of_the_same_response_belongs_to_the_turn_it_answers(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.user(3000, 4000, "u2")
    course.at(4510, M.FIRST_DELTA, "a1b")  # still of the first response
    course.falls_silent(5000, M.PLAYED, "a1", 3000, 3000)
    assert course.over == []
    course.falls_silent(6000, M.PLAYED, "a1b", 1000, 1000)
    assert [(turn.outcome, turn.heard_ms) for turn in course.over] == [(Outcome.ANSWERED, 4000)]


def test_an_answer_of_several_items_is_over_with_the_last_and_cut_if_any_was(
    course: Course,
) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.at(1900, M.FIRST_DELTA, "a2")
    course.falls_silent(2500, M.PLAYED, "a1", 600, 600)
    course.at(2510, M.SPEECH_START, "u2")
    course.falls_silent(2515, M.CUT, "a2", 0, 900)
    (turn,) = course.over
    assert (turn.outcome, turn.heard_ms, turn.of_ms) == (Outcome.CUT, 600, 1500)
    assert Figure.SILENCE not in turn.figures_ms  # nothing of the second was audible yet


def test_a_sound_that_was_announced_and_cut_before_its_time_was_none(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")  # audible at 1883
    course.at(1850, M.SPEECH_START, "u2")
    course.falls_silent(1850, M.CUT, "a1", 0, 1000)
    (turn,) = course.over
    assert Figure.FIRST_DELTA in turn.figures_ms
    assert not {Figure.FIRST_SOUND, Figure.TOTAL, Figure.SILENCE} & turn.figures_ms.keys()


def test_a_cut_that_nobody_spoke_for_has_no_latency(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.falls_silent(3000, M.CUT, "a1", 1000, 5000)
    assert course.over[0].outcome is Outcome.CUT
    assert Figure.SILENCE not in course.over[0].figures_ms


def test_a_cough_is_dismissed_and_the_answer_goes_on(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.at(2500, M.SPEECH_START, "cough")
    course.at(2501, M.DUCKED)
    course.at(2800, M.RESTORED)
    course.at(2800, M.DISMISSED, "cough")
    assert [turn.outcome for turn in course.over] == [Outcome.DISMISSED]
    course.falls_silent(9000, M.CUT, "a1", 7000, 9000)  # later, by an operator
    assert Figure.SILENCE not in course.over[1].figures_ms


@pytest.mark.parametrize("told", ["u1", ""])
def test_a_turn_without_an_answer(course: Course, told: str) -> None:
    course.user(0, 1000, "u1")
    course.at(1523, M.RESPONSE_CREATED)
    course.at(2000, M.UNANSWERED, told)
    assert [turn.outcome for turn in course.over] == [Outcome.UNANSWERED]
    assert course.over[0].figures_ms[Figure.CREATED] == 20


def test_what_was_said_before_an_answered_turn_gets_no_answer_any_more(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.user(1600, 2000, "u2")  # spoke on before an answer came
    course.answer(2523, "a1")
    assert [turn.outcome for turn in course.over] == [Outcome.UNANSWERED]
    course.falls_silent(4000, M.PLAYED, "a1", 1000, 1000)
    assert course.over[1].figures_ms[Figure.TOTAL] == 883


def test_an_answer_that_nobody_asked_for_is_a_turn_without_a_beginning(course: Course) -> None:
    course.answer(100, "hello")
    course.falls_silent(2000, M.PLAYED, "hello", 1500, 1500)
    (turn,) = course.over
    assert turn.outcome is Outcome.ANSWERED
    assert turn.figures_ms == {Figure.FIRST_DELTA: 300, Figure.FIRST_SOUND: 60}


def test_a_lost_link_ends_what_waits_and_lets_sound_what_is_here(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.user(2000, 2500, "u2")
    course.at(2600, M.DIALLING)
    assert [turn.outcome for turn in course.over] == [Outcome.UNANSWERED]
    course.falls_silent(5000, M.PLAYED, "a1", 3000, 3000)
    assert [turn.outcome for turn in course.over] == [Outcome.UNANSWERED, Outcome.ANSWERED]


def test_the_next_session_may_use_the_same_names(course: Course) -> None:
    for start in (0, 10_000):
        course.at(start, M.DIALLING)
        course.user(start, start + 1000, "u1")
        course.answer(start + 1523, "a1")
        course.falls_silent(start + 3000, M.PLAYED, "a1", 1000, 1000)
    assert [turn.outcome for turn in course.over] == [Outcome.ANSWERED] * 2


def test_the_end_of_the_daemon_is_the_end_of_every_turn(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.answer(1523, "a1")
    course.user(2000, 2500, "u2")
    course.timeline.heard("a1", 700, 3000)
    course.at(2600, M.STOPPED)
    assert [(turn.outcome, turn.heard_ms) for turn in course.over] == [
        (Outcome.CUT, 700),
        (Outcome.UNANSWERED, 0),
    ]


def test_servers_that_name_the_turns_end_differently_from_its_start(course: Course) -> None:
    course.at(0, M.SPEECH_START, "x")
    course.at(1000, M.SPEECH_END, "y")
    course.at(1500, M.SPEECH_STOPPED, "y")
    course.at(1503, M.COMMITTED, "y")
    course.answer(1523, "a1")
    course.falls_silent(3000, M.PLAYED, "a1", 1000, 1000)
    assert course.over[0].figures_ms[Figure.TOTAL] == 883
    course.at(4000, M.STOPPED)
    assert len(course.over) == 1


def test_what_is_said_twice_or_too_late_changes_nothing(course: Course) -> None:
    course.user(0, 1000, "u1")
    course.user(700, 1700, "u1")
    course.answer(1523, "a1")
    course.answer(1600, "a1")
    course.falls_silent(3000, M.PLAYED, "a1", 1000, 1000)
    course.falls_silent(3500, M.CUT, "a1", 1000, 1000)
    course.at(3600, M.FIRST_SOUND, "a1")
    course.at(3600, M.COMMITTED, "u1")
    assert [(turn.outcome, turn.heard_ms) for turn in course.over] == [(Outcome.ANSWERED, 1000)]
    assert course.over[0].figures_ms[Figure.TOTAL] == 883


# --- the last hundred -----------------------------------------------------------------------------


def answered_in(course: Course, *totals: int) -> None:
    for number, total in enumerate(totals):
        start = number * 100_000
        course.at(start, M.SPEECH_END, f"u{number}")
        course.at(start + 1, M.FIRST_DELTA, f"a{number}")
        course.at(start + total, M.FIRST_SOUND, f"a{number}")
        course.at(start + 50_000, M.PLAYED, f"a{number}")


@pytest.mark.parametrize(
    ("totals", "p50", "p95"),
    [
        ([700], 700, 700),
        ([100, 200], 100, 200),
        (list(range(1, 101)), 50, 95),
        (list(range(1, 201)), 150, 195),  # the older hundred is forgotten
        (list(range(200, 100, -1)), 150, 195),
    ],
)
def test_percentiles_are_of_the_last_hundred_turns_by_nearest_rank(
    course: Course, totals: list[int], p50: int, p95: int
) -> None:
    answered_in(course, *totals)
    assert course.timeline.percentiles()[Figure.TOTAL] == Percentiles(p50, p95)


def test_a_figure_that_was_never_known_has_no_percentiles(course: Course) -> None:
    assert course.timeline.percentiles() == {}
    answered_in(course, 700)
    assert Figure.SILENCE not in course.timeline.percentiles()


def test_outcomes_are_counted(course: Course) -> None:
    answered_in(course, 700, 800)
    course.user(900_000, 900_500, "u")
    course.at(901_000, M.UNANSWERED)
    assert course.timeline.outcomes == {Outcome.ANSWERED: 2, Outcome.UNANSWERED: 1}


# --- anything -------------------------------------------------------------------------------------

ids = st.sampled_from(["", "a", "b", "c", "d"]) | st.text(max_size=2)
steps = st.tuples(
    st.sampled_from(M), st.floats(-10, 10_000), ids, st.booleans(), st.integers(0, 10_000)
)


@given(st.lists(steps, max_size=200))
def test_no_order_of_moments_is_an_error_and_nothing_is_kept_for_ever(
    told: list[tuple[M, float, str, bool, int]],
) -> None:
    timeline, over = Timeline(), list[Turn]()
    for moment, at_s, item_id, measured, ms in told:
        if measured:
            timeline.heard(item_id, ms, ms)
        over += timeline.note(moment, at_s, item_id)
        assert len(timeline._turns) <= 16
        assert all(len(turn.items) <= 32 for turn in timeline._turns)
        assert all(len(turn.user_items) <= 4 for turn in timeline._turns)
    assert timeline.outcomes.total() == len(over)
    assert timeline.note(M.STOPPED, 0.0) is not None
    assert not timeline._turns
    assert not timeline._over


def test_a_mad_server_fills_no_memory() -> None:
    timeline = Timeline()
    for number in range(1000):
        timeline.note(M.FIRST_DELTA, number, f"item {number}")
    assert sum(len(turn.items) for turn in timeline._turns) == 32
    for number in range(1000):
        timeline.note(M.SPEECH_START, number, f"user {number}")
    assert len(timeline._turns) == 16
    assert sum(timeline.outcomes.values()) == 1000 - 15
