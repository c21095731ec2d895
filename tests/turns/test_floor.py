"""The floor, told everything in every order: it never raises, never asks twice, never waits for ever."""

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.realtime.client_events import CancelResponse, Commit, CreateResponse
from voiced.turns.floor import Floor
from voiced.turns.moments import Moment
from voiced.turns.orders import Abandon, Cut, Order, Say, SetVolume, Tell, Warn
from voiced.turns.overdue import EXPIRED
from voiced.turns.policy import Detection, Interruption, Limits, Policy
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
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0.0, 20.0)), max_size=40),
)
def test_any_order_of_things_ends_in_silence_on_both_sides(
    chosen: Policy, story: list[tuple[str, float]]
) -> None:
    floor, now = Floor(chosen), 0.0
    for name, pause in story:
        now += pause
        before = floor.machines.generation
        orders = happens(floor, now, STEPS[name])
        creates = [o for o in orders if isinstance(o, Say) and isinstance(o.event, CreateResponse)]
        assert len(creates) <= 1
        if creates and name != "tick":
            assert before is Generation.NONE or name.startswith(("done", "another", "refused"))
            assert floor.machines.generation is Generation.ASKED
    # Nobody says anything any more, and the room is silent: all limits pass, one after the other.
    floor.sounds(now, sounding=False)
    for _ in range(60):
        due = floor.wakes_at_s
        if due == float("inf"):
            break
        now = max(now, due)
        happens(floor, now, Floor.tick)
    assert floor.wakes_at_s == float("inf")
    assert floor.machines.generation is Generation.NONE
    assert floor.machines.user is User.SILENT or chosen.detection is Detection.PUSH_TO_TALK


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
    floor = Floor(policy())
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
