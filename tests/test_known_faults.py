"""Faults are counted under names of ours: whatever a server says, there are only so many."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from voiced.faults import (
    ConfigError,
    DeviceError,
    LinkClosed,
    LinkError,
    LinkRefused,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
)
from voiced.verdicts import TABLE, Kind, Known, Verdict, judge, known_as

CASES: list[tuple[VoicedError, tuple[str, str]]] = [
    (SessionOver("session_expired", "m"), ("error_code", "session_expired")),
    (SessionOver("sk-secret", "m", kind="server_error"), ("error_code", "server_error")),
    (SessionOver("made up", "m", kind="so is this"), ("error_code", "other")),
    (LinkRefused(401, "m"), ("http_status", "401")),
    (LinkRefused(418, "m"), ("http_status", "other")),
    (LinkClosed(1011, "m"), ("close_code", "1011")),
    (LinkClosed(4999, "m"), ("close_code", "other")),
    (LinkError("m", Trouble.DEAF), ("link", "deaf")),
    (ConfigError(["m"]), ("other", "settings")),
    (RemoteProtocolError("m"), ("other", "out_of_turn")),
    (DeviceError("m"), ("other", "device")),
    (VoicedError("m"), ("other", "other")),
]


@pytest.mark.parametrize(("fault", "name"), CASES)
def test_a_fault_has_a_name_and_its_verdict(fault: VoicedError, name: tuple[str, str]) -> None:
    assert known_as(fault) == Known(*name, judge(fault).verdict)


@given(
    some.one_of(
        some.builds(
            SessionOver,
            some.text() | some.sampled_from([row.key for row in TABLE]),
            some.text(),
            kind=some.text(),
            opening=some.booleans(),
        ),
        some.builds(LinkRefused, some.integers(100, 599), some.text()),
        some.builds(LinkClosed, some.integers(1000, 4999), some.text()),
    )
)
def test_there_are_as_many_names_as_rows_and_a_few_more(fault: VoicedError) -> None:
    rows = {(row.kind.value.lower().replace(" ", "_"), row.key) for row in TABLE}
    others = {(kind.value.lower().replace(" ", "_"), "other") for kind in Kind}
    known = known_as(fault)
    assert (known.kind, known.key) in rows | others
    assert known.verdict in Verdict
