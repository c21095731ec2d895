"""What the daemon's messages mean for the picture of `voicectl watch`."""

from typing import Any

import pytest

from voiced.cli.picture import QUIETEST_DBFS, UNANSWERED_S, Meter, Picture

LINK: dict[str, Any] = {
    "session_id": "sess_1",
    "attempts": 1,
    "strikes": 0,
    "opened": "as configured",
    "fault": "",
    "resumes_in_s": None,
}


def card(**other: Any) -> dict[str, Any]:
    """The card of a daemon that listens."""
    return {
        "now_s": 5000.0,
        "version": "1.2",
        "phase": "listening",
        "for_s": 30.0,
        "why": "",
        "link": LINK,
        "devices": {"microphone": {"ok": True, "fault": "", "for_s": 40.0}},
        "context": "",
        "turns": {},
        "latencies_ms": {},
        "volume_percent": 70,
        "tally": {},
        **other,
    }


def phase(name: str, **link: Any) -> dict[str, Any]:
    return {"at_s": 5001.0, "phase": name, "why": "", "link": {**LINK, **link}}


def words(
    text: str, *, who: str = "user", item_id: str = "a", final: bool = False
) -> dict[str, Any]:
    return {"at_s": 1.0, "who": who, "item_id": item_id, "text": text, "final": final}


@pytest.fixture
def picture() -> Picture:
    picture = Picture()
    picture.meets({"version": "1.2", "topics": ["phase", "transcript"], "methods": []})
    picture.reads(card(), 100.0)
    return picture


def test_durations_are_of_our_clock(picture: Picture) -> None:
    assert picture.since_s == 70.0
    picture.event("phase", phase("hearing"), 110.0)
    assert (picture.phase, picture.since_s) == ("hearing", 110.0)
    picture.event("phase", phase("hearing", session_id="sess_2"), 115.0)  # renewed
    assert picture.since_s == 110.0
    assert picture.link["session_id"] == "sess_2"


def test_a_pause_counts_down(picture: Picture) -> None:
    assert picture.resumes_in_s(100.0) is None
    picture.event("phase", phase("cooling_down", resumes_in_s=8.0), 100.0)
    assert picture.resumes_in_s(105.0) == 3.0
    assert picture.resumes_in_s(120.0) == 0.0


def test_words_grow_in_their_place(picture: Picture) -> None:
    picture.event("transcript", words("What"), 1.0)
    picture.event("transcript", words("Nine.", who="assistant", item_id="b"), 1.1)
    picture.event("transcript", words("What time?", final=True), 1.2)
    assert [(said.who, said.text, said.final) for said in picture.said] == [
        ("user", "What time?", True),
        ("assistant", "Nine.", False),
    ]
    picture.event("transcript", words(" ", final=True), 1.3)  # it was nothing
    assert [said.who for said in picture.said] == ["assistant"]


def test_words_are_bounded(picture: Picture) -> None:
    for number in range(1000):
        picture.event("transcript", words("x" * 100_000, item_id=str(number)), 1.0)
    assert sum(len(said.text) for said in picture.said) < 200_000


def test_what_was_said_before_stands_first(picture: Picture) -> None:
    entries = [{"who": "user", "text": "Hello"}, {"who": "assistant", "text": "Good day"}]
    picture.recalls({"entries": entries})
    picture.event("transcript", words("And now?"), 1.0)
    assert [said.text for said in picture.said] == ["Hello", "Good day", "And now?"]


def test_a_meter_is_up_at_once_and_down_slowly() -> None:
    meter = Meter()
    meter.hears(-10.0, 5.0)
    assert meter.dbfs(5.0) == -10.0
    meter.hears(-50.0, 5.1)
    assert meter.dbfs(5.1) == pytest.approx(-16.0)
    assert meter.dbfs(6.5) == QUIETEST_DBFS


def test_a_direction_that_is_absent_falls_silent(picture: Picture) -> None:
    picture.event("level", {"at_s": 1.0, "user_dbfs": -20.0}, 1.0)
    assert picture.moves(1.0)
    picture.event("level", {"at_s": 2.0, "assistant_dbfs": -30.0}, 2.0)
    assert picture.meters["user"].dbfs(2.0) == QUIETEST_DBFS
    assert picture.meters["assistant"].dbfs(2.0) == -30.0
    assert not picture.moves(3.0)


def test_what_changes_the_card_asks_for_it(picture: Picture) -> None:
    turn = {"at_s": 1.0, "outcome": "cut", "figures_ms": {"total": 600}, "heard_ms": 5, "of_ms": 9}
    assert picture.event("turn", turn, 1.0)
    assert picture.last_turn is not None
    assert picture.last_turn.figures_ms == {"total": 600}
    fault = {"at_s": 1.0, "what": "device_lost", "why": "unplugged", "link": LINK}
    assert picture.event("fault", fault, 2.0)
    assert picture.trouble is not None
    assert picture.trouble.at_s == 2.0
    assert not picture.event("level", {"at_s": 1.0}, 1.0)


def test_only_losses_that_were_seen_to_grow_are_new(picture: Picture) -> None:
    picture = Picture()
    picture.reads(card(tally={"frames_dropped": 7, "frames_sent": 9}), 100.0)
    assert picture.losses == {"frames_dropped": 7}
    assert picture.newly_lost(100.0) == set()
    counts = {"frames_dropped": 8, "answers_unheard": 1}
    picture.event("tally", {"counts": counts}, 101.0)
    assert picture.newly_lost(102.0) == {"frames_dropped", "answers_unheard"}
    assert picture.newly_lost(120.0) == set()


def test_who_lags_and_who_does_not_answer_is_known(picture: Picture) -> None:
    picture.event("lagged", {"count": 3}, 1.0)
    picture.event("lagged", {"count": 4}, 2.0)
    assert picture.lagged == 7
    picture.asks(10.0)
    assert picture.unanswered_s(10.0 + UNANSWERED_S / 2) == 0.0
    picture.asks(12.0)
    assert picture.unanswered_s(20.0) == 10.0
    picture.hears()
    assert picture.unanswered_s(30.0) == 0.0


def test_a_newer_daemon_may_tell_more(picture: Picture) -> None:
    assert not picture.event("weather", {"rain": True}, 1.0)


def test_without_the_right_there_are_no_words() -> None:
    picture = Picture()
    picture.meets({"version": "1.2", "topics": ["phase", "level"], "methods": []})
    assert not picture.may_read
