"""Fuzzing in a few seconds: strange messages and orders; `scripts/fuzz` does the same for long."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from voiced.faults import LocalProtocolError
from voiced.realtime.client_events import ClientEvent, Configure
from voiced.realtime.codec import Skipped, SkipReason, read
from voiced.realtime.session import TRANSITIONS, Session, State

from .strange import MOST_BESIDE, MOST_NAMES, STRANGE, Choose, receive, recorded, spoilt
from .strategies import client_events

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def chooser(data: st.DataObject) -> Choose:
    return lambda below: data.draw(st.integers(0, below - 1))


# --- one message ----------------------------------------------------------------------------------


def test_transcripts_are_heard_without_objection() -> None:
    for message in recorded():
        receive(Session(), message)


@settings(PATIENT, max_examples=300)
@given(st.data(), st.sampled_from(recorded()))
def test_a_spoilt_message_is_heard_or_skipped(data: st.DataObject, message: str) -> None:
    receive(Session(), spoilt(message, chooser(data)))


@settings(PATIENT, max_examples=200)
@given(st.text() | st.binary() | st.sampled_from([each.text for each in STRANGE]))
def test_any_message_is_heard_or_skipped(message: str | bytes) -> None:
    receive(Session(), message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("[" * 1_000_000, SkipReason.TOO_DEEP),
        ('{"type":"error","error":' + "[" * 500_000 + "]" * 500_000 + "}", SkipReason.TOO_DEEP),
        ('{"type":"error","error":{"code":' + "9" * 100_000 + "}}", SkipReason.NOT_JSON),
        ('{"type":"error","type":"nobody.knows","error":{}}', SkipReason.UNKNOWN_TYPE),
        ('{"type":"error","error":{},"error":NaN}', SkipReason.NOT_JSON),
        ('{"type":"error","error":{},"error":1e999}', SkipReason.MALFORMED),
    ],
    ids=["deep", "deep inside", "long number", "type twice", "NaN twice", "infinity twice"],
)
def test_a_monster_is_skipped(message: str, reason: SkipReason) -> None:
    event, unknown = read(message)
    assert isinstance(event, Skipped)
    assert event.reason is reason
    assert unknown == ()
    receive(Session(), message)


def test_many_unknown_fields_are_counted_under_few_names() -> None:
    count = 10_000
    news = {f"news {number} {'x' * 200}": number for number in range(count)}
    session = Session()
    receive(session, json.dumps({"type": "error", "error": {}, **news}))
    assert len(session.unknown_fields) <= MOST_NAMES
    assert sum(session.unknown_fields.values()) == count


def test_responses_beside_that_never_end_do_not_add_up() -> None:
    session = _ready()
    for number in range(10 * MOST_BESIDE):
        response = {"id": f"resp_{number}", "conversation_id": None}
        receive(session, json.dumps({"type": "response.created", "response": response}))
    assert session.responses_beside == MOST_BESIDE
    assert session.state is State.LISTENING


# --- any order ------------------------------------------------------------------------------------


class AnySession(RuleBasedStateMachine):
    """A server that says anything, and we who say whatever the session allows."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()

    @rule(message=st.sampled_from(recorded()))
    def says(self, message: str) -> None:
        receive(self.session, message)

    @rule(message=st.sampled_from(recorded()), data=st.data())
    def says_strangely(self, message: str, data: st.DataObject) -> None:
        receive(self.session, spoilt(message, chooser(data)))

    @rule()
    def opens(self) -> None:
        for message in _opening():
            receive(self.session, message)

    @rule(event=client_events)
    def we_say(self, event: ClientEvent) -> None:
        before, objection = self.session.state, self.session.objection(event)
        if objection is None:
            assert json.loads(self.session.send(event))["type"] == event.TYPE
            assert self.session.state is TRANSITIONS[before][type(event)]
        else:
            with pytest.raises(LocalProtocolError):
                self.session.send(event)
            assert self.session.state is before

    @rule()
    def we_give_up(self) -> None:
        self.session.forget_response()

    @rule()
    def begins_anew(self) -> None:
        self.session.end()
        assert self.session.state is State.ENDED
        self.session = Session()

    @invariant()
    def consistent(self) -> None:
        session = self.session
        active = session.active_response_id is not None
        assert active == (session.state is State.RESPONDING)
        assert set(session.allowed()) <= {each.__name__ for each in TRANSITIONS[session.state]}
        assert (session.settings is None) <= (session.session_id is None)


AnySession.TestCase.settings = settings(PATIENT, max_examples=40, stateful_step_count=30)
TestAnySession = AnySession.TestCase


def _opening() -> Iterator[str]:
    for kind in ("session.created", "session.updated"):
        yield next(each for each in recorded() if json.loads(each)["type"] == kind)


def _ready() -> Session:
    session = Session()
    created, updated = _opening()
    session.receive(created)
    session.send(Configure())
    session.receive(updated)
    return session
