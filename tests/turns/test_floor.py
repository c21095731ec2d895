"""The floor, told everything in every order: it never raises, never asks twice, never waits for ever."""

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.realtime.client_events import CancelResponse, Commit, CreateItem, CreateResponse
from voiced.realtime.objects import RateLimit
from voiced.turns.floor import Floor
from voiced.turns.moments import Moment
from voiced.turns.orders import Abandon, Cut, Order, Say, SetVolume, Tell, Warn
from voiced.turns.overdue import EXPIRED
from voiced.turns.policy import Detection, Interruption, Limits, Policy
from voiced.turns.setbacks import Setback
from voiced.turns.states import WAITS, Debt, Generation, User

LIMITS = Limits(
    turn_s=60,
    committed_s=3,
    created_s=5,
    first_delta_s=15,
    delta_gap_s=10,
    cancelled_s=3,
    words_s=3,
)


def policy(
    interruption: Interruption = Interruption.IMMEDIATE,
    detection: Detection = Detection.SERVER_VAD,
    *,
    transcribed: bool = True,
) -> Policy:
    return Policy(
        detection=detection,
        interruption=interruption,
        confirm_ms=400,
        duck_db=-12.0,
        transcribed=transcribed,
        limits=LIMITS,
    )


Step = Callable[[Floor, float], list[Order]]
BROKEN = Setback("server_error", "sorry")
BUSY = Setback("rate_limit_exceeded", "later", limited=True)


def asks(floor: Floor, now_s: float) -> list[Order]:
    """The user writes, unless too much of it waits."""
    question = floor.texts.ask("what time is it")
    return [] if question is None else floor.asked(now_s, question)


def says(floor: Floor, now_s: float, text: str = "good morning") -> list[Order]:
    """Something is to be said, unless too much of it waits."""
    return floor.pay(now_s) if floor.texts.say(text) else []


ITEMS = ("item_a", "item_b")
STEPS: dict[str, Step] = {
    "pressed": Floor.pressed,
    "released": lambda floor, now: floor.released(now, 500),
    "tapped": lambda floor, now: floor.released(now, 60),
    "interrupted": Floor.interrupted,
    "done": lambda floor, now: floor.response_done(now, "resp_1"),
    "another done": lambda floor, now: floor.response_done(now, "resp_0"),
    "created": lambda floor, now: floor.response_created(now, "resp_1"),
    "progressed": Floor.progressed,
    "sounds": lambda floor, now: floor.sounds(now, sounding=True),
    "silent": lambda floor, now: floor.sounds(now, sounding=False),
    "tick": Floor.tick,
    "asks": asks,
    "says": says,
    "failed": lambda floor, now: floor.response_failed(now, "resp_1", BROKEN),
    "failed for now": lambda floor, now: floor.response_failed(now, "resp_1", BUSY),
    "limits": lambda floor, now: floor.limits_told(now, [RateLimit(remaining=0, reset_s=12.0)]),
    "added 1": lambda floor, now: floor.item_added(now, "voiced_ask_1"),
    "added 2": lambda floor, now: floor.item_added(now, "voiced_ask_2"),
    "refused 1": lambda floor, now: floor.refused(now, "invalid_value", "voiced_ask_1"),
    "loud frame": lambda floor, now: floor.frame_sent(now, round(now * 1000), -20.0),
    "quiet frame": lambda floor, now: floor.frame_sent(now, round(now * 1000), -90.0),
    **{
        f"refused {code}": lambda floor, now, code=code: floor.refused(now, code)  # type: ignore[misc]
        for code in (
            "response_cancel_not_active",
            "conversation_already_has_active_response",
            "input_audio_buffer_commit_empty",
            None,
        )
    },
}
for _item in ITEMS:
    STEPS |= {
        f"started {_item}": lambda floor, now, item=_item: floor.speech_started(  # type: ignore[misc]
            now, item, round(now * 1000)
        ),
        f"stopped {_item}": lambda floor, now, item=_item: floor.speech_stopped(now, item, now),  # type: ignore[misc]
        f"committed {_item}": lambda floor, now, item=_item: floor.committed(now, item),  # type: ignore[misc]
        f"words {_item}": lambda floor, now, item=_item: floor.words(  # type: ignore[misc]
            now, item, "stop", final=True
        ),
        f"no words {_item}": lambda floor, now, item=_item: floor.no_words(now, item),  # type: ignore[misc]
    }


def happens(floor: Floor, now_s: float, step: Step) -> list[Order]:
    """Something happens, and what we say to it is sent at once."""
    orders = step(floor, now_s)
    for order in orders:
        if isinstance(order, Say):
            floor.sent(now_s, order.event)
    return orders


POLICIES = st.builds(
    policy,
    st.sampled_from(Interruption),
    st.sampled_from(Detection),
    transcribed=st.booleans(),
)


def test_whatever_is_waited_for_has_one_thing_that_is_done_when_it_does_not_come() -> None:
    assert set(WAITS) == set(EXPIRED)
    assert {User.SILENT, Generation.NONE, Debt.NONE, Debt.OURS}.isdisjoint(WAITS)
    assert set(WAITS) | {User.SILENT, Generation.NONE, Debt.NONE, Debt.OURS} == {
        *User,
        *Generation,
        *Debt,
    }


@given(
    POLICIES,
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0.0, 20.0)), max_size=40),
)
def test_any_order_of_things_ends_in_silence_on_both_sides(
    chosen: Policy, retries: bool, story: list[tuple[str, float]]
) -> None:
    floor, now = Floor(chosen, retries), 0.0
    for name, pause in story:
        now += pause
        before = floor.generation
        orders = happens(floor, now, STEPS[name])
        creates = [o for o in orders if isinstance(o, Say) and isinstance(o.event, CreateResponse)]
        assert len(creates) <= 1
        if creates and name != "tick":
            ends = ("done", "another", "failed", "refused", "interrupted")
            assert before is Generation.NONE or name.startswith(ends)
            assert floor.generation is Generation.ASKED
        if over(orders):
            assert name.startswith(("tick", "failed", "limits"))  # people never end a session
            return
    # Nobody says anything any more, and the room is silent: all limits pass, one after the other.
    happens(floor, now, lambda floor, now: floor.sounds(now, sounding=False))
    for _ in range(200):
        due = floor.wakes_at_s
        if due == float("inf"):
            break
        now = max(now, due)
        if over(happens(floor, now, Floor.tick)):
            assert retries
            return
    assert floor.wakes_at_s == float("inf")
    assert floor.generation is Generation.NONE
    if chosen.detection is not Detection.PUSH_TO_TALK:
        assert floor.user is User.SILENT
        assert floor.ended() == []  # all that was written was asked for, or given up by name


def over(orders: list[Order]) -> bool:
    return any(isinstance(order, Abandon) for order in orders)


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=40), POLICIES)
def test_the_volume_is_never_left_low(story: list[str], chosen: Policy) -> None:
    floor, gain, now = Floor(chosen), 0.0, 0.0

    def follow(orders: list[Order]) -> None:
        nonlocal gain
        for order in orders:
            gain = order.gain_db if isinstance(order, SetVolume) else gain

    for name in story:
        now += 0.1
        follow(happens(floor, now, STEPS[name]))
    for _ in range(60):
        if (due := floor.wakes_at_s) == float("inf"):
            break
        now = max(now, due)
        follow(happens(floor, now, Floor.tick))
    # A frame that comes after the end of the doubtful speech settles what was left open.
    follow(floor.frame_sent(now, 10_000_000, -90.0))
    assert gain == 0.0


@pytest.mark.parametrize("interruption", [Interruption.CONFIRMED, Interruption.NEVER])
def test_a_second_response_is_not_asked_for_before_the_first_is_over(
    interruption: Interruption,
) -> None:
    floor = Floor(policy(interruption))
    floor.speech_started(0, "a", 0)
    floor.speech_stopped(1, "a", 1)
    assert Say(CreateResponse()) in floor.committed(1, "a")
    floor.response_created(1.1, "resp_1")
    floor.interrupted(1.2)
    floor.speech_started(1.3, "b", 1300)
    floor.speech_stopped(2.0, "b", 2)
    assert Say(CreateResponse()) not in floor.committed(2, "b")
    assert Say(CreateResponse()) in floor.response_done(2.1, "resp_1")


def test_a_response_that_is_not_wanted_any_more_is_cancelled_as_soon_as_it_is_there() -> None:
    floor = Floor(policy(detection=Detection.PUSH_TO_TALK))
    floor.pressed(0)
    assert [o.event for o in floor.released(1, 900) if isinstance(o, Say)] == [
        Commit(),
        CreateResponse(),
    ]
    assert Cut() in floor.pressed(1.05)  # and nothing to cancel yet
    assert Say(CancelResponse()) in floor.response_created(1.1, "resp_1")


def test_an_answer_that_begins_while_a_cough_is_doubted_is_softer_too() -> None:
    floor = Floor(policy(Interruption.CONFIRMED))
    floor.speech_started(0, "a", 0)
    floor.committed(1, "a")
    assert SetVolume(-12.0) in floor.speech_started(1.1, "b", 1100)


def test_a_problem_is_told_with_a_sentence() -> None:
    floor = Floor(policy(), retries=False)
    floor.committed(0, "a")
    assert happens(floor, 5, Floor.tick) == [Say(CreateResponse())]
    told = [o for o in floor.tick(10) if isinstance(o, Tell)]
    assert [(t.moment, t.item_id) for t in told] == [(Moment.UNANSWERED, "")]
    assert "creates no response" in told[0].problem


def test_limits_are_positive_promises() -> None:
    for limit in attrs.asdict(LIMITS).values():
        assert limit > 0


def test_a_link_that_stalls_takes_nothing_from_the_servers_time() -> None:
    floor = Floor(policy(Interruption.NEVER))
    floor.committed(0, "a")
    assert floor.wakes_at_s == float("inf")  # the wire's own limit is at work
    floor.sent(4, CreateResponse())
    assert floor.wakes_at_s == 4 + LIMITS.created_s


def said(orders: list[Order]) -> list[object]:
    return [order.event for order in orders if isinstance(order, Say)]


def test_a_turn_that_stalls_ends_the_session_unless_it_was_retried_already() -> None:
    for retries in (True, False):
        floor = Floor(policy(), retries)
        floor.committed(0, "a")
        happens(floor, 5, Floor.tick)
        assert over(happens(floor, 10, Floor.tick)) is retries
        floor = Floor(policy(), retries)
        floor.response_created(0, "resp_1")
        assert over(floor.tick(15)) is retries


def test_a_question_is_answered_once_it_is_an_item() -> None:
    floor = Floor(policy())
    (question,) = said(happens(floor, 0, asks))
    assert isinstance(question, CreateItem)
    assert floor.pay(1) == []
    assert said(floor.item_added(1, str(question.item_id))) == [CreateResponse()]
    assert len(str(question.item_id)) <= 32


def test_a_question_that_is_not_confirmed_is_given_up_by_name() -> None:
    floor = Floor(policy())
    happens(floor, 0, asks)
    assert floor.wakes_at_s == LIMITS.committed_s
    (told,) = floor.tick(LIMITS.committed_s)
    assert isinstance(told, Tell)
    assert (told.moment, told.item_id) == (Moment.UNANSWERED, "voiced_ask_1")
    assert floor.item_added(4, "voiced_ask_1") == []


def test_a_question_written_while_the_user_speaks_is_answered_with_the_speech() -> None:
    floor = Floor(policy(Interruption.NEVER))
    floor.speech_started(0, "a", 0)
    happens(floor, 0.1, asks)
    assert said(floor.item_added(0.2, "voiced_ask_1")) == []
    floor.speech_stopped(1, "a", 1)
    assert said(floor.committed(1, "a")) == [CreateResponse()]
    floor.response_created(1.1, "resp_1")
    assert said(floor.response_done(2, "resp_1")) == []


def test_questions_and_sayings_are_bounded() -> None:
    floor = Floor(policy())
    assert sum(floor.texts.ask("hello") is not None for _ in range(20)) == 8
    assert sum(floor.texts.say("hello") for _ in range(20)) == 8
    (warning,) = floor.ended()
    assert isinstance(warning, Warn)
    assert warning.lost == 16


def test_what_is_to_be_said_waits_for_silence_and_comes_after_answers() -> None:
    floor = Floor(policy(Interruption.CONFIRMED))
    floor.sounds(0, sounding=True)
    assert said(says(floor, 0)) == []
    happens(floor, 0, asks)
    (answer,) = said(floor.item_added(0.1, "voiced_ask_1"))
    assert answer == CreateResponse()
    floor.response_created(0.2, "resp_1")
    floor.response_done(1, "resp_1")
    (saying,) = said(floor.sounds(2, sounding=False))
    assert isinstance(saying, CreateResponse)
    assert saying.without_context
    assert "good morning" in str(saying.instructions)


def test_what_failed_to_be_said_is_said_again_not_answered() -> None:
    floor = Floor(policy())
    (saying,) = said(happens(floor, 0, says))
    floor.response_created(0.1, "resp_1")
    assert not over(floor.response_failed(0.2, "resp_1", BROKEN))
    assert said(floor.tick(1.2)) == [saying]


def test_words_that_are_to_be_said_answer_no_question() -> None:
    """A collision, and what was to be said is still to be said after it."""
    floor = Floor(policy())
    (saying,) = said(happens(floor, 0, says))
    floor.refused(0.1, "conversation_already_has_active_response")
    happens(floor, 0.2, asks)
    floor.item_added(0.3, "voiced_ask_1")
    assert said(floor.response_done(0.4, "resp_9")) == [CreateResponse()]
    floor.response_created(0.5, "resp_1")
    assert said(floor.response_done(0.6, "resp_1")) == [saying]


def test_a_failed_response_is_asked_for_once_more() -> None:
    floor = Floor(policy())
    floor.committed(0, "a")
    floor.response_created(0.1, "resp_1")
    assert not over(floor.response_failed(0.2, "resp_1", BROKEN))
    assert said(happens(floor, 1.2, Floor.tick)) == [CreateResponse()]
    floor.response_created(1.3, "resp_2")
    (end,) = floor.response_failed(1.4, "resp_2", BROKEN)
    assert end == Abandon("server_error", "sorry")


def test_each_turn_may_fail_once() -> None:
    floor = Floor(policy())
    for start_s, item in ((0.0, "a"), (10.0, "b")):
        floor.speech_started(start_s, item, 0)
        floor.speech_stopped(start_s + 1, item, 1)
        floor.committed(start_s + 1, item)
        floor.response_created(start_s + 1.1, f"resp_{item}")
        assert not over(floor.response_failed(start_s + 1.2, f"resp_{item}", BROKEN))


@pytest.mark.parametrize(
    ("limits", "pause_s"),
    [
        ([], 1.0),
        ([RateLimit(remaining=0, reset_s=0.2)], 1.0),
        ([RateLimit(remaining=5, reset_s=9.0), RateLimit(remaining=0, reset_s=4.0)], 4.0),
        ([RateLimit(remaining=5, reset_s=9.0), RateLimit(remaining=7, reset_s=4.0)], 9.0),
        ([RateLimit(remaining=0, reset_s=20.5)], None),
    ],
)
def test_a_limit_is_waited_for_unless_it_takes_too_long(
    limits: list[RateLimit], pause_s: float | None
) -> None:
    for told_first in (True, False):  # it comes before the failure, or just after it
        floor = Floor(policy())
        floor.response_created(0, "resp_1")
        orders = floor.limits_told(0, limits) if told_first else []
        orders += floor.response_failed(0, "resp_1", BUSY)
        orders += [] if told_first else floor.limits_told(0, limits)
        if pause_s is None:
            assert Abandon("rate_limit_exceeded", "later", 20.5) in orders
        else:
            assert not over(orders)
            assert floor.wakes_at_s == pause_s


def test_whoever_wants_silence_while_a_failed_answer_waits_gets_it() -> None:
    floor = Floor(policy())
    floor.response_created(0, "resp_1")
    floor.response_failed(0, "resp_1", BROKEN)
    assert Tell(0.5, Moment.UNANSWERED) in floor.interrupted(0.5)
    assert floor.wakes_at_s == float("inf")


def test_a_response_of_ours_is_unwanted_as_soon_as_the_user_speaks() -> None:
    floor = Floor(policy())
    happens(floor, 0, says)
    floor.speech_started(0.1, "a", 0)
    assert Say(CancelResponse()) in floor.response_created(0.2, "resp_1")
