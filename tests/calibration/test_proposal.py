"""From a room to settings: a table of rooms, and what holds in all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.earcons import LEVEL_DBFS as ANSWER_DBFS
from voiced.audio.level import gain_of_percent_db
from voiced.calibration.proposal import Proposal, Room, advice, propose
from voiced.calibration.sounds import Noise, Talker
from voiced.config.file import as_toml, parse
from voiced.doctor.loop import Loop


def noise(floor_dbfs: float = -65.0, raw_dbfs: float | None = None, high_pass_hz: int = 0) -> Noise:
    raw = floor_dbfs if raw_dbfs is None else raw_dbfs
    return Noise(floor_dbfs=floor_dbfs, raw_dbfs=raw, dc_percent=0.0, high_pass_hz=high_pass_hz)


def talker(level_dbfs: float, peak_dbfs: float | None = None, clipped: float = 0.0) -> Talker:
    peak = min(0.0, level_dbfs + 12) if peak_dbfs is None else peak_dbfs
    return Talker(level_dbfs=level_dbfs, peak_dbfs=peak, spoken_ms=3000, clipped_percent=clipped)


def loop(return_db: float, delay_ms: float = 60.0, *, audible: bool = True) -> Loop:
    return Loop(audible, delay_ms, return_db, 30.0)


def proposed(room: Room) -> dict[str, object]:
    return {f"{each.section}.{each.key}": each.value for each in propose(room)}


def why(room: Room, key: str) -> str:
    return next(each.why for each in propose(room) if each.key == key)


# --- gain -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level_dbfs", "floor_dbfs", "peak_dbfs", "gain_db", "because"),
    [
        (-32.0, -70.0, -18.0, 12.0, "about -20 dBFS"),
        (-32.3, -70.0, -18.0, 12.0, "about -20 dBFS"),
        (-50.0, -75.0, -38.0, 25.0, "noise above -50"),
        (-40.0, -58.0, -28.0, 8.0, "noise above -50"),
        (-40.0, -45.0, -28.0, 0.0, "noise above -50"),
        (-32.0, -70.0, -10.0, 7.0, "peaks"),
        (-12.0, -60.0, -3.0, -8.0, "about -20 dBFS"),
        (-21.0, -60.0, -8.0, 0.0, "loud enough"),
        (-20.0, -60.0, 0.0, -3.0, "peaks"),
        (-19.0, -60.0, -6.0, 0.0, "loud enough"),
    ],
)
def test_a_gain_brings_the_voice_up_but_neither_noise_nor_peaks_too_far(
    level_dbfs: float, floor_dbfs: float, peak_dbfs: float, gain_db: float, because: str
) -> None:
    room = Room(noise=noise(floor_dbfs), talker=talker(level_dbfs, peak_dbfs))
    assert proposed(room)["capture.gain_db"] == gain_db
    assert because in why(room, "gain_db")


def test_without_a_voice_there_is_no_gain_to_propose() -> None:
    assert set(proposed(Room(noise=noise()))) == {"capture.high_pass_hz"}


def test_a_filter_is_proposed_with_what_it_takes_away() -> None:
    room = Room(noise=noise(-62.0, raw_dbfs=-44.0, high_pass_hz=80))
    assert proposed(room) == {"capture.high_pass_hz": 80}
    assert "18 dB less noise" in why(room, "high_pass_hz")
    assert "no rumble" in why(Room(noise=noise()), "high_pass_hz")


# --- echo -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("return_db", "mode", "cut_db"),
    [
        (-30.0, "webrtc", 0),  # answers come back at -48, the voice is at -35
        (-17.0, "webrtc", 0),
        (-14.0, "webrtc", 3),
        (-10.0, "webrtc", 7),
        (-2.0, "webrtc", 13.5),  # 15 dB louder: not all of that can be taken off
        (5.0, "webrtc", 13.5),
        (7.5, "half_duplex", None),  # 24.5 dB louder: more than 10 would remain
    ],
)
def test_answers_are_capped_at_the_voice_while_that_helps(
    return_db: float, mode: str, cut_db: float | None
) -> None:
    room = Room(noise=noise(-70.0), talker=talker(-35.0), loop=loop(return_db), canceller=True)
    found = proposed(room)
    assert found["echo.mode"] == mode
    percent = found.get("playout.max_volume_percent")
    assert (percent is None) is (cut_db is None)
    if isinstance(percent, int) and cut_db is not None:
        assert percent % 5 == 0
        assert -gain_of_percent_db(percent) == pytest.approx(cut_db, abs=2)


@pytest.mark.parametrize(
    ("room", "mode", "because"),
    [
        (Room(noise=noise(), loop=loop(-20.0)), "half_duplex", "pip install 'voiced[echo]'"),
        (Room(noise=noise(), loop=loop(-20.0), canceller=True), "webrtc", "at -20 dB"),
        (Room(noise=noise(), loop=loop(-50.0), canceller=True), "off", "does not hear"),
        (Room(noise=noise(), loop=loop(0.0, audible=False)), "off", "does not hear"),
        (
            Room(noise=noise(), loop=loop(-20.0), canceller=True, device_cancels=True),
            "system",
            "already",
        ),
    ],
)
def test_a_mode_suits_what_is_there(room: Room, mode: str, because: str) -> None:
    assert proposed(room)["echo.mode"] == mode
    assert because in why(room, "mode")


def test_with_nobody_to_compare_answers_with_they_are_left_alone() -> None:
    room = Room(noise=noise(), loop=loop(0.0), canceller=True)
    assert proposed(room)["playout.max_volume_percent"] == 100
    assert "nobody spoke" in why(room, "max_volume_percent")


# --- what no setting mends ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "told"),
    [
        (Room(noise=noise(), talker=talker(-30.0)), []),
        (Room(noise=noise()), []),
        (Room(noise=noise(), talker=talker(-10.0, clipped=0.5)), ["alsamixer"]),
        (Room(noise=noise(-50.0), talker=talker(-38.0)), ["only 12 dB above the noise"]),
        (Room(noise=noise(), talker=talker(-30.0), loop=loop(-2.0)), ["10 dB louder"]),
        (Room(noise=noise(), talker=talker(-30.0), loop=loop(-20.0)), []),
    ],
)
def test_what_only_hands_can_mend_is_told(room: Room, told: list[str]) -> None:
    said = list(advice(room))
    assert len(said) == len(told)
    assert all(words in sentence for words, sentence in zip(told, said, strict=True))


# --- always ---------------------------------------------------------------------------------------

ROOMS = st.builds(
    Room,
    noise=st.builds(
        noise, st.floats(-96, 0), st.floats(-96, 0), st.sampled_from([0, 80, 120, 160])
    ),
    talker=st.none() | st.builds(talker, st.floats(-90, 0), st.floats(-90, 0), st.floats(0, 100)),
    loop=st.none() | st.builds(loop, st.floats(-120, 20), st.floats(0, 800), audible=st.booleans()),
    canceller=st.booleans(),
    device_cancels=st.booleans(),
)


@given(ROOMS)
def test_whatever_is_proposed_can_be_set_and_has_a_reason(room: Room) -> None:
    proposals = propose(room)
    places = [(each.section, each.key) for each in proposals]
    assert len(set(places)) == len(places)
    known = [each for each in proposals if each.key != "max_volume_percent"]
    parse("\n".join(written(each) for each in by_section(known)), "proposals")
    assert all(each.why for each in proposals)
    assert all(advice(room))


def written(proposal: Proposal) -> str:
    return f"{proposal.section}.{proposal.key} = {as_toml(proposal.value)}"


def by_section(proposals: list[Proposal]) -> list[Proposal]:
    return sorted(proposals, key=lambda each: each.section)


@given(ROOMS)
def test_no_gain_lifts_noise_or_peaks_beyond_the_limits(room: Room) -> None:
    gain = proposed(room).get("capture.gain_db")
    if not isinstance(gain, float) or room.talker is None:
        assert room.talker is None
        return
    assert gain <= max(0.0, -50.0 - room.noise.floor_dbfs)
    assert gain + room.talker.peak_dbfs <= max(-1.0, room.talker.peak_dbfs)
    assert gain + room.talker.level_dbfs < -17.9


@given(ROOMS)
def test_cancelled_echo_is_never_hopelessly_louder_than_the_voice(room: Room) -> None:
    found = proposed(room)
    percent = found.get("playout.max_volume_percent")
    if found.get("echo.mode") != "webrtc" or room.talker is None or room.loop is None:
        return
    assert isinstance(percent, int)
    assert -14.1 < gain_of_percent_db(percent) <= 0
    left = ANSWER_DBFS + room.loop.return_db + gain_of_percent_db(percent) - room.talker.level_dbfs
    assert left <= 10.0
