"""The control language: what is understood, what is refused and how, who may what, and where it is."""

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voiced.control import address, commands
from voiced.control.commands import METHODS, Command, Topic, command_of
from voiced.control.pace import Pace
from voiced.control.rights import ALL, NONE, House, Peer, Right, granted
from voiced.control.rpc import (
    Call,
    Code,
    Refusal,
    parse,
    render_event,
    render_refusal,
    render_result,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
ids = st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def understood(line: bytes, rights: frozenset[Right] = ALL) -> Command | Refusal:
    """What the Steward makes of *line*."""
    call = parse(line)
    return call if isinstance(call, Refusal) else command_of(call, rights)


def request(method: str, params: Any = None) -> bytes:
    message = {"jsonrpc": "2.0", "id": 7, "method": method}
    return json.dumps(message if params is None else {**message, "params": params}).encode()


def code(line: bytes, rights: frozenset[Right] = ALL) -> Code:
    refusal = understood(line, rights)
    assert isinstance(refusal, Refusal)
    assert refusal.sentence
    return refusal.code


# --- lines ----------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_are_understood_or_refused_in_a_line_that_is_one(line: bytes) -> None:
    outcome = understood(line)
    if isinstance(outcome, Refusal):
        rendered = render_refusal(outcome)
        assert rendered.count(b"\n") == 1
        assert json.loads(rendered)["error"]["code"] == outcome.code


@unhurried
@given(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "x"]), json_values))
def test_any_object_is_understood_or_refused(message: dict[str, Any]) -> None:
    outcome = understood(json.dumps(message).encode())
    if isinstance(outcome, Refusal):
        assert json.loads(render_refusal(outcome))["jsonrpc"] == "2.0"


@unhurried
@given(st.sampled_from(sorted(METHODS)), json_values | st.dictionaries(st.text(), json_values))
def test_any_parameters_are_taken_or_refused(method: str, params: Any) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    outcome = understood(line)
    if isinstance(outcome, Refusal):
        assert outcome.code in {Code.WRONG_PARAMS, Code.NO_REQUEST, Code.NO_JSON}
    else:
        assert isinstance(outcome, METHODS[method].command)


@given(ids, st.dictionaries(st.text(), st.text()))
def test_a_reply_is_a_line_with_the_id_of_its_request(
    request_id: Any, result: dict[str, str]
) -> None:
    rendered = render_result(request_id, result)
    assert rendered.endswith(b"\n")
    assert rendered.count(b"\n") == 1
    assert json.loads(rendered) == {"jsonrpc": "2.0", "id": request_id, "result": result}


@given(ids)
def test_an_id_comes_back_with_a_refusal(request_id: Any) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "no.such"}).encode()
    refusal = understood(line)
    assert isinstance(refusal, Refusal)
    assert json.loads(render_refusal(refusal))["id"] == request_id


def test_half_a_surrogate_pair_does_not_stop_a_line() -> None:
    assert json.loads(render_event("transcript", {"text": "a\ud800b"}))["params"] == {"text": "a?b"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"", Code.NO_JSON),
        (b"{", Code.NO_JSON),
        (b"\xff", Code.NO_JSON),
        (b"NaN", Code.NO_JSON),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"hello"}', Code.NO_JSON),
        (b"[" * 60_000, Code.NO_JSON),
        (b"9" * 6_000, Code.NO_JSON),
        (b"1", Code.NO_REQUEST),
        (b"[]", Code.NO_REQUEST),
        (b'[{"jsonrpc":"2.0","id":1,"method":"hello"}]', Code.NO_REQUEST),
        (b"{}", Code.NO_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"hello"}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":[],"method":"hello"}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"hello"}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"hello"}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"hello","params":7}', Code.NO_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"hello","parms":{}}', Code.NO_REQUEST),
        (request("rpc.discover"), Code.NO_SUCH_METHOD),
        (request("sing"), Code.NO_SUCH_METHOD),
        (request("hello", {"x": 1}), Code.WRONG_PARAMS),
        (request("ask"), Code.WRONG_PARAMS),
        (request("ask", {"text": 7}), Code.WRONG_PARAMS),
        (request("ask", ["one", "two"]), Code.WRONG_PARAMS),
        (request("ask", {"text": "\ud800"}), Code.WRONG_PARAMS),
        (request("volume", {"percent": True}), Code.WRONG_PARAMS),
        (request("volume", {"percent": 101}), Code.WRONG_PARAMS),
        (request("history", {"most": 0}), Code.WRONG_PARAMS),
        (request("subscribe", {"topics": ["gossip"]}), Code.WRONG_PARAMS),
        (request("subscribe", {"topics": "phase"}), Code.WRONG_PARAMS),
        (request("subscribe", {"topics": [[]]}), Code.WRONG_PARAMS),
    ],
    ids=lambda value: value.name if isinstance(value, Code) else value[:40].decode("latin-1"),
)
def test_what_is_wrong_has_its_code(line: bytes, wanted: Code) -> None:
    assert code(line) is wanted


def test_parameters_have_names_or_places() -> None:
    assert understood(request("ask", {"text": "Hi"})) == commands.Ask("Hi")
    assert understood(request("ask", ["Hi"])) == commands.Ask("Hi")
    assert understood(request("volume")) == commands.SetVolume(None)
    assert understood(request("volume", [])) == commands.SetVolume(None)
    twice = understood(request("subscribe", {"topics": ["phase", "level", "phase"]}))
    assert isinstance(twice, commands.Subscribe)
    assert twice.topics == (Topic.PHASE, Topic.LEVEL)
    assert twice == commands.Subscribe(["phase", "level"])


def test_a_notification_is_one_by_having_no_id() -> None:
    silent = parse(b'{"jsonrpc":"2.0","method":"hello"}')
    spoken = parse(b'{"jsonrpc":"2.0","id":null,"method":"hello"}')
    assert isinstance(silent, Call)
    assert isinstance(spoken, Call)
    assert (silent.wants_reply, spoken.wants_reply) == (False, True)


def test_words_are_in_no_repr() -> None:
    line = request("ask", {"text": "A secret."})
    assert "secret" not in repr(parse(line)) + repr(understood(line))


def test_every_command_has_a_method_and_every_method_a_name_that_is_dotted() -> None:
    assert {method.command for method in METHODS.values()} == set(Command.__args__)
    assert all(re.fullmatch(r"[a-z]+(\.[a-z]+)?", name) for name in METHODS)
    assert all(attrs.has(method.command) for method in METHODS.values())


# --- rights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "wanted"),
    [
        (Peer(1000), ALL),
        (Peer(0), ALL),
        (Peer(1001), NONE),
        (Peer(1001, frozenset({50})), frozenset({Right.WATCH})),
        (Peer(1001, frozenset({51, 0})), NONE),
    ],
)
def test_whose_daemon_it_is_decides(peer: Peer, wanted: frozenset[Right]) -> None:
    assert granted(peer, House(1000, 50, frozenset({Right.WATCH}))) == wanted


def test_where_there_is_no_group_nobody_is_its_member() -> None:
    assert granted(Peer(1001, frozenset({0, 50})), House(1000, None, ALL)) == NONE


@pytest.mark.parametrize("name", METHODS)
def test_each_method_takes_its_right_and_no_other_is_enough(name: str) -> None:
    params: dict[str, Any] = {}
    if name in {"ask", "say"}:
        params = {"text": "Hi"}
    elif name == "subscribe":
        params = {"topics": ["phase"]}
    line, right = request(name, params), METHODS[name].right
    enough = {right, Right.WORDS} if name == "dump" else {right}
    assert not isinstance(understood(line, frozenset(enough)), Refusal)
    for each in enough:
        assert code(line, ALL - {each}) is Code.NOT_PERMITTED


# --- how often, and where -------------------------------------------------------------------------


def test_a_seconds_requests_may_come_at_once_and_then_as_fast_as_the_limit_says() -> None:
    pace = Pace(20)
    assert [pace.wait_s(100.0) for _ in range(20)] == pytest.approx([0.0] * 20)
    assert pace.wait_s(100.0) == pytest.approx(0.05)
    assert pace.wait_s(100.05) == pytest.approx(0.05)
    assert pace.wait_s(200.0) == 0.0


@given(st.lists(st.floats(0, 0.2), min_size=50, max_size=100))
def test_whoever_waits_as_told_never_exceeds_the_limit(pauses: list[float]) -> None:
    pace, now_s, times = Pace(20), 0.0, list[float]()
    for pause_s in pauses:
        now_s += pause_s
        now_s += pace.wait_s(now_s)
        times.append(now_s)
    for first, last in zip(times, times[41:], strict=False):
        assert last - first >= 1.0 - 1e-9


TEMPORARY = Path("/tmp/voiced-1000/control.sock")
SYSTEM = Path("/run/voiced/control.sock")


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, [TEMPORARY, SYSTEM]),
        (
            {"XDG_RUNTIME_DIR": "/run/user/1000"},
            ["/run/user/1000/voiced/control.sock", TEMPORARY, SYSTEM],
        ),
        ({"RUNTIME_DIRECTORY": "/run/voiced:/run/other"}, [SYSTEM, TEMPORARY]),
        ({"RUNTIME_DIRECTORY": "voiced", "XDG_RUNTIME_DIR": "."}, [TEMPORARY, SYSTEM]),
    ],
)
def test_a_socket_is_looked_for_where_a_daemon_puts_it(
    environ: dict[str, str], wanted: list[Path | str]
) -> None:
    assert list(address.places(environ, 1000)) == [Path(each) for each in wanted]
    assert address.place(environ, 1000) == Path(wanted[0])
    assert [each for each in map(Path, wanted) if address.is_temporary(each, 1000)] == [TEMPORARY]
