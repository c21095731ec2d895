"""Who may say what when: the table is kept to in every state, and what is illegal changes nothing."""

import copy
import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voiced.faults import LocalProtocolError, RemoteProtocolError
from voiced.realtime import client_events as say
from voiced.realtime.codec import Skipped
from voiced.realtime.response_events import ResponseCreated, ResponseDone
from voiced.realtime.server_events import SERVER_EVENTS, Refused, SessionCreated, SessionUpdated
from voiced.realtime.session import ALREADY_ACTIVE, MANUAL, TRANSITIONS, Session, State

from .strategies import BY_CLASS, client_events, messages

HELD_TO_THE_TABLE = {SessionCreated, SessionUpdated, Refused, ResponseCreated, ResponseDone}


# --- sentences --------------------------------------------------------------------------------


def described(kind: str, detection: str | None = None) -> str:
    turn_detection = None if detection is None else {"type": detection}
    audio = {"input": {"turn_detection": turn_detection}, "output": {"voice": "marin"}}
    session = {"id": "sess_1", "expires_at": 1795777200, "audio": audio}
    return json.dumps({"type": kind, "session": session})


def about(kind: str, response: str = "resp_1", **fields: Any) -> str:
    return json.dumps({"type": kind, "response": {"id": response, **fields}})


def refusal(code: str | None = None, blamed: str | None = None) -> str:
    return json.dumps({"type": "error", "error": {"code": code, "event_id": blamed}})


def in_state(state: State, detection: str | None = None) -> Session:
    """Lead a session to *state*, turn detection being manual unless named."""
    session = Session()
    if state is State.ENDED:
        session.end()
    if state in (State.OPENING, State.ENDED):
        return session
    session.receive(described("session.created", "server_vad"))
    if state is State.CREATED:
        return session
    session.send(say.Configure())
    if state is State.CONFIGURING:
        return session
    session.receive(described("session.updated", detection))
    if state is State.RESPONDING:
        session.receive(about("response.created"))
    assert session.state is state
    return session


def remembered(session: Session) -> dict[str, Any]:
    names = [field.name for field in attrs.fields(Session)]
    return {name: copy.deepcopy(getattr(session, name)) for name in names}


# --- the table, in every state, for every event -----------------------------------------------


def test_the_table_has_a_row_for_every_state_and_cannot_be_changed() -> None:
    assert set(TRANSITIONS) == set(State)
    with pytest.raises(TypeError):
        TRANSITIONS[State.ENDED][say.Append] = State.LISTENING  # type: ignore[index]


def test_the_table_speaks_of_every_event_of_ours_and_of_those_that_move_the_floor() -> None:
    named = {event for row in TRANSITIONS.values() for event in row}
    assert named == set(BY_CLASS) | HELD_TO_THE_TABLE


def in_turn(state: State, event: say.ClientEvent) -> bool:
    """Say what is legal in a session of manual turn detection, with `resp_1` active if any."""
    match event:
        case say.CreateResponse() if state is State.RESPONDING:
            return event.conversation == "none"
        case say.CancelResponse():
            return state is State.RESPONDING and event.response_id in (None, "resp_1")
        case _:
            return type(event) in TRANSITIONS[state]


@pytest.mark.parametrize("state", State)
@given(event=client_events)
def test_we_speak_as_the_table_says(state: State, event: say.ClientEvent) -> None:
    session = in_state(state)
    before = remembered(session)
    plain = type(event).__name__
    if in_turn(state, event):
        assert session.objection(event) is None
        assert json.loads(session.send(event))["type"] == event.TYPE
        assert session.state is TRANSITIONS[state][type(event)]
    else:
        with pytest.raises(
            LocalProtocolError, match=rf"^{plain} is out of turn: .*; allowed now: "
        ):
            session.send(event)
        assert remembered(session) == before


@pytest.mark.parametrize("kind", sorted(SERVER_EVENTS))
@given(data=st.data())
def test_the_server_is_heard_as_the_table_says(kind: str, data: st.DataObject) -> None:
    state = data.draw(st.sampled_from(State))
    session = in_state(state)
    before = remembered(session)
    cls = SERVER_EVENTS[kind]
    message = data.draw(messages(kind))
    if cls in HELD_TO_THE_TABLE and cls not in TRANSITIONS[state]:
        with pytest.raises(RemoteProtocolError, match=rf"{kind} while {state.name}$"):
            session.receive(message)
        assert remembered(session) == before
        return
    assert isinstance(session.receive(message), cls)
    if cls in (ResponseCreated, ResponseDone):
        return  # which response it is decides: see below
    assert session.state is TRANSITIONS[state].get(cls, state)
    if cls not in HELD_TO_THE_TABLE or state is State.ENDED:
        assert remembered(session) == before


ids = st.sampled_from(["resp_1", "resp_2", ""])
places = st.sampled_from([{}, {"conversation_id": None}, {"conversation_id": "conv_1"}])


@pytest.mark.parametrize("state", [State.LISTENING, State.RESPONDING, State.ENDED])
@given(response=ids, place=places)
def test_only_a_response_of_the_conversation_takes_the_floor(
    state: State, response: str, place: dict[str, Any]
) -> None:
    session = in_state(state)
    session.receive(about("response.created", response, **place))
    beside = "conversation_id" in place and place["conversation_id"] is None
    if beside or state is State.ENDED:
        assert session.state is state
    else:
        assert session.state is State.RESPONDING
        assert session.active_response_id == response


@pytest.mark.parametrize("state", [State.LISTENING, State.RESPONDING, State.ENDED])
@given(response=ids, place=places)
def test_only_the_end_of_the_active_response_gives_the_floor_back(
    state: State, response: str, place: dict[str, Any]
) -> None:
    session = in_state(state)
    session.receive(about("response.done", response, **place))
    beside = "conversation_id" in place and place["conversation_id"] is None
    ends = response == "resp_1" or (response == "" and not beside)
    assert session.state is (State.LISTENING if ends and state is State.RESPONDING else state)


class AnyConversation(RuleBasedStateMachine):
    """Two parties who say whatever comes to mind, in any order."""

    @initialize(
        detection=st.sampled_from([None, "server_vad", "semantic_vad"]),
        state=st.sampled_from(State),
    )
    def begin(self, detection: str | None, state: State) -> None:
        self.session = in_state(state, detection)

    @rule(event=client_events)
    def we_say(self, event: say.ClientEvent) -> None:
        before = remembered(self.session)
        objection = self.session.objection(event)
        try:
            self.session.send(event)
        except LocalProtocolError:
            assert objection is not None
            assert remembered(self.session) == before
        else:
            assert objection is None
            assert before["_state"] is not State.ENDED

    @rule(
        message=st.one_of(
            st.sampled_from(sorted(SERVER_EVENTS)).flatmap(messages),
            st.builds(about, st.sampled_from(["response.created", "response.done"]), ids),
            st.builds(
                about,
                st.sampled_from(["response.created", "response.done"]),
                ids,
                conversation_id=st.none(),
            ),
            st.builds(
                refusal, st.sampled_from([None, ALREADY_ACTIVE]), st.sampled_from([None, "a"])
            ),
            st.builds(
                described,
                st.sampled_from(["session.created", "session.updated"]),
                st.sampled_from([None, "server_vad"]),
            ),
            st.text() | st.binary(),
        )
    )
    def the_server_says(self, message: str | bytes) -> None:
        before = remembered(self.session)
        try:
            self.session.receive(message)
        except RemoteProtocolError:
            assert remembered(self.session) == before

    @rule()
    def it_ends(self) -> None:
        self.session.end()
        assert self.session.state is State.ENDED
        assert self.session.allowed() == ()

    @invariant()
    def the_floor_is_taken_exactly_while_a_response_is_active(self) -> None:
        active = self.session.active_response_id is not None
        assert (self.session.state is State.RESPONDING) == active

    @invariant()
    def what_is_allowed_in_its_plain_form_meets_no_objection(self) -> None:
        plain: list[say.ClientEvent] = [
            *(say.Configure(), say.Append(b"ab"), say.Commit(), say.Clear()),
            *(say.CreateItem(say.UserText("")), say.RetrieveItem("i"), say.DeleteItem("i")),
            *(say.Truncate("i", 0), say.CreateResponse(), say.CancelResponse()),
        ]
        free = {type(event).__name__ for event in plain if self.session.objection(event) is None}
        assert free == set(self.session.allowed())


TestAnyConversation = AnyConversation.TestCase


# --- what the table cannot say ----------------------------------------------------------------


def test_a_refusal_names_the_event_the_state_and_what_would_be_allowed() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        in_state(State.CREATED).send(say.Append(b"ab"))
    assert str(caught.value) == (
        "Append is out of turn: the session is CREATED; allowed now: Configure"
    )
    with pytest.raises(LocalProtocolError, match="allowed now: nothing"):
        in_state(State.CONFIGURING).send(say.Configure())


def test_a_remote_fault_names_the_event_and_the_state() -> None:
    with pytest.raises(RemoteProtocolError, match=r"sent session\.updated while CREATED"):
        in_state(State.CREATED).receive(described("session.updated"))


@pytest.mark.parametrize("detection", ["server_vad", "semantic_vad"])
@pytest.mark.parametrize("event", [say.Commit(), say.Clear()])
def test_turns_are_not_ours_to_end_under_turn_detection(
    detection: str, event: say.ClientEvent
) -> None:
    session = in_state(State.LISTENING, detection)
    with pytest.raises(LocalProtocolError, match=f"turns are ended by {detection}"):
        session.send(event)


def test_a_forced_commit_is_the_way_out() -> None:
    session = in_state(State.LISTENING, "server_vad")
    assert json.loads(session.send(say.Commit(forced=True))) == {
        "type": "input_audio_buffer.commit"
    }
    with pytest.raises(LocalProtocolError):
        in_state(State.CONFIGURING).send(say.Commit(forced=True))


def test_a_change_of_turn_detection_holds_from_its_acknowledgement_on() -> None:
    session = in_state(State.LISTENING, "server_vad")
    session.send(say.Configure(turn_detection=None))
    session.send(say.Append(b"ab"))
    with pytest.raises(LocalProtocolError):
        session.send(say.Commit())
    session.receive(described("session.updated", None))
    session.send(say.Commit())


def test_a_refused_configuration_leaves_the_session_unready() -> None:
    session = in_state(State.CONFIGURING)
    assert isinstance(session.receive(refusal("unknown_parameter")), Refused)
    assert session.state is State.CONFIGURING
    with pytest.raises(LocalProtocolError):
        session.send(say.Append(b"ab"))


def test_a_second_response_waits_until_the_first_was_created_and_done() -> None:
    session = in_state(State.LISTENING)
    session.send(say.CreateResponse())
    with pytest.raises(LocalProtocolError, match="a response is being created"):
        session.send(say.CreateResponse())
    session.receive(about("response.created"))
    with pytest.raises(LocalProtocolError, match="response resp_1 is active"):
        session.send(say.CreateResponse())
    session.receive(about("response.done"))
    session.send(say.CreateResponse())


@pytest.mark.parametrize(
    ("code", "blamed", "clears"),
    [
        ("invalid_value", "ask_1", True),
        ("invalid_value", "other", False),
        (ALREADY_ACTIVE, None, True),
        (ALREADY_ACTIVE, "other", True),
        ("server_error", None, True),
    ],
)
def test_a_refusal_that_may_be_of_our_creation_clears_it(
    code: str, blamed: str | None, clears: bool
) -> None:
    session = in_state(State.LISTENING)
    session.send(say.CreateResponse(event_id="ask_1"))
    session.receive(refusal(code, blamed))
    assert (session.objection(say.CreateResponse()) is None) == clears


def test_a_creation_may_end_without_having_been_announced() -> None:
    session = in_state(State.LISTENING)
    session.send(say.CreateResponse())
    session.receive(about("response.done", status="failed"))
    assert session.state is State.LISTENING
    session.send(say.CreateResponse())


def test_a_creation_under_way_can_be_cancelled() -> None:
    session = in_state(State.LISTENING)
    with pytest.raises(LocalProtocolError, match="no response is active"):
        session.send(say.CancelResponse())
    session.send(say.CreateResponse())
    session.send(say.CancelResponse())


def test_an_out_of_band_response_runs_beside_and_is_known_by_its_id() -> None:
    session = in_state(State.RESPONDING)
    session.send(say.CreateResponse(conversation="none"))
    session.receive(about("response.created", "resp_side", conversation_id=None))
    assert session.active_response_id == "resp_1"
    session.receive(about("response.done"))
    assert session.state is State.LISTENING
    session.send(say.CancelResponse("resp_side"))
    session.receive(about("response.done", "resp_side", status="cancelled"))
    assert session.state is State.LISTENING
    with pytest.raises(LocalProtocolError, match="response resp_side is not active"):
        session.send(say.CancelResponse("resp_side"))


def test_nameless_responses_are_told_apart_by_their_place() -> None:
    session = in_state(State.LISTENING)
    session.receive(about("response.created", "", conversation_id=None))
    session.receive(about("response.created", ""))
    session.receive(about("response.done", ""))
    told = [session.active_response_id]
    session.receive(about("response.created", ""))
    session.receive(about("response.done", "", conversation_id=None))
    assert [*told, session.active_response_id] == [None, ""]


def test_a_response_that_began_nameless_may_end_with_a_name() -> None:
    session = in_state(State.LISTENING)
    session.receive(about("response.created", ""))
    session.receive(about("response.done", "resp_1"))
    assert session.state is State.LISTENING


def test_an_out_of_band_creation_does_not_hold_back_one_for_the_conversation() -> None:
    session = in_state(State.LISTENING)
    session.send(say.CreateResponse(conversation="none"))
    session.send(say.CreateResponse())


def test_a_new_response_proves_the_old_one_over_even_if_nobody_said_so() -> None:
    session = in_state(State.RESPONDING)
    session.receive(about("response.created", "resp_2"))
    session.receive(about("response.done", "resp_1"))
    assert session.active_response_id == "resp_2"
    session.receive(about("response.done", "resp_2"))
    assert session.state is State.LISTENING


def test_stragglers_pass_and_move_nothing() -> None:
    session = in_state(State.LISTENING)
    event = session.receive(
        '{"type":"response.output_audio.delta","response_id":"gone","item_id":"i","delta":"AAAA"}'
    )
    assert not isinstance(event, Skipped)
    session.receive(about("response.done", "gone"))
    assert session.state is State.LISTENING


def test_the_session_remembers_how_the_server_described_it() -> None:
    def told(session: Session) -> list[str | int | None]:
        return [session.session_id, session.expires_at_s, session.voice, session.turn_detection]

    session = Session()
    assert session.settings is None
    assert told(session) == [None] * 4
    session.receive(described("session.created", "server_vad"))
    assert told(session) == ["sess_1", 1795777200, "marin", "server_vad"]
    session.send(say.Configure())
    session.receive(described("session.updated", None))
    assert told(session) == ["sess_1", 1795777200, "marin", MANUAL]


def test_what_is_not_understood_is_counted_and_the_counts_are_read_only() -> None:
    session = in_state(State.LISTENING)
    for message in ('{"type":"new.event"}', '{"type":"new.event"}', "{", b"1"):
        session.receive(message)
    session.receive('{"type":"input_audio_buffer.cleared","event_id":"e","glow":1}')
    assert session.skipped == {"unknown type new.event": 2, "not JSON": 1, "binary frame": 1}
    assert session.unknown_fields == {"input_audio_buffer.cleared glow": 1}
    with pytest.raises(TypeError):
        session.skipped["x"] = 1  # type: ignore[index]


def test_a_tally_stays_small_whatever_the_server_invents() -> None:
    session = in_state(State.LISTENING)
    for n in range(150):
        session.receive(json.dumps({"type": f"new.{n}"}))
    assert len(session.skipped) == 101
    assert session.skipped["(others)"] == 50


def test_ending_twice_is_ending_once() -> None:
    session = in_state(State.RESPONDING)
    session.end()
    once = remembered(session)
    session.end()
    assert remembered(session) == once
    assert session.active_response_id is None
    assert session.session_id == "sess_1"
