"""Nobody, or two, who take the echo away are told of, and what to do about it."""

import pytest

from voiced.audio.echo.handling import EchoMode
from voiced.doctor.echo import judge
from voiced.doctor.finding import Verdict

PLAIN, CANCELS = "alsa_input.usb-PnP.mono", "Echo-Cancel Source"


@pytest.mark.parametrize(
    ("mode", "installed", "name", "verdict", "words"),
    [
        (EchoMode.AUTO, True, PLAIN, Verdict.OK, ""),
        (EchoMode.AUTO, False, PLAIN, Verdict.OK, "pip install 'voiced[echo]'"),
        (EchoMode.AUTO, False, CANCELS, Verdict.OK, f'"{CANCELS}" cancels echo'),
        (EchoMode.SYSTEM, False, CANCELS, Verdict.OK, "cancels echo"),
        (EchoMode.SYSTEM, False, PLAIN, Verdict.WARNING, "pactl load-module module-echo-cancel"),
        (EchoMode.WEBRTC, True, PLAIN, Verdict.OK, ""),
        (EchoMode.WEBRTC, True, CANCELS, Verdict.WARNING, "set [echo] mode to system"),
        (EchoMode.WEBRTC, False, PLAIN, Verdict.FAILED, "pip install 'voiced[echo]'"),
        (EchoMode.HALF_DUPLEX, False, PLAIN, Verdict.OK, ""),
        (EchoMode.OFF, False, PLAIN, Verdict.OK, ""),
    ],
)
def test_echo_is_taken_away_by_one(
    mode: EchoMode, installed: bool, name: str, verdict: Verdict, words: str
) -> None:
    finding = judge(mode, installed=installed, names=["default", name])
    assert finding.verdict is verdict
    assert words in f"{finding.seen} {finding.action}"
    assert finding.action or verdict is Verdict.OK
