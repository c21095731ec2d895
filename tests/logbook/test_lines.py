"""The lines that an owner counts on."""

import pytest

from voiced.account.prices import Bill, Prices
from voiced.account.usage import Kind, Used
from voiced.faults import (
    ConfigError,
    LinkClosed,
    LinkError,
    LinkRefused,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
)
from voiced.logbook.lines import code_of, connection_line, fault_line, moment_line, turn_line
from voiced.turns.figures import Figure, Outcome, Percentiles, Turn
from voiced.turns.moments import Moment
from voiced.verdicts import judge

TURN = Turn(Outcome.CUT, {Figure.STOPPED: 500, Figure.TOTAL: 800}, heard_ms=1200, of_ms=3000)
TOOK = Used({Kind.TEXT_OUT: 100, Kind.TRANSCRIPTION_MS: 1500})


@pytest.mark.parametrize(
    ("bill", "said"),
    [
        (Bill(), ""),
        (Bill(TOOK, Prices().of(TOOK)), " tokens=100 transcription_s=1.5"),
        (
            Bill(TOOK, Prices({Kind.TEXT_OUT: 10.0}).of(TOOK)),
            " tokens=100 transcription_s=1.5 cost_at_least=0.0010",
        ),
        (
            Bill(TOOK, Prices({Kind.TEXT_OUT: 10.0, Kind.TRANSCRIPTION_MS: 0.6}).of(TOOK)),
            " tokens=100 transcription_s=1.5 cost=0.0160",
        ),
    ],
)
def test_a_turn(bill: Bill, said: str) -> None:
    line = turn_line(TURN, bill, {Figure.TOTAL: Percentiles(700, 900)}, "sess_1")
    assert str(line) == (
        "turn outcome=cut stopped_ms=500 total_ms=800 heard_ms=1200 of_ms=3000 "
        f"total_p50_ms=700 total_p95_ms=900{said} session=sess_1"
    )
    assert line.canonical


def test_a_connection() -> None:
    line = connection_line("sess_1", "m", lasted_s=61.26, sent_ms=61_200, lost_events=0)
    assert str(line) == "session over session=sess_1 model=m lasted_s=61.3 sent_ms=61200"
    lost = connection_line("sess_1", "m", lasted_s=1, sent_ms=0, lost_events=3)
    assert lost.fields["lost_events"] == 3


def test_a_fault() -> None:
    fault = LinkError("the server answered no ping for 10 s", Trouble.NO_PONG)
    line = fault_line(fault, judge(fault), "sess_1", 2)
    assert line.fields["code"] == "no_pong"
    assert str(line).startswith(
        'conversation ended fault="the server answered no ping for 10 s" code=no_pong verdict='
    )
    assert line.sentence == str(judge(fault))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SessionOver("rate_limit_exceeded", "m"), "rate_limit_exceeded"),
        (SessionOver("", "m", kind="server_error"), "server_error"),
        (LinkRefused(401, "m"), "401"),
        (LinkClosed(1006, "m"), "1006"),
        (LinkError("m", Trouble.DEAF), "deaf"),
        (ConfigError(["m"]), "config"),
        (RemoteProtocolError("m"), "RemoteProtocolError"),
    ],
)
def test_a_fault_has_the_code_that_the_table_knows_it_by(fault: VoicedError, code: str) -> None:
    assert code_of(fault) == code


def test_a_moment() -> None:
    line = moment_line(Moment.CUT, 1234, "item_1", 1200, "")
    assert (str(line), line.key) == ("* cut at_ms=1234 item=item_1 heard_ms=1200", "moment")
