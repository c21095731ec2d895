"""Echo handling as a whole: which mode a room gets and why, that it keeps to it, and what each mode does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audio.echo.rooms import DEVICE_HZ, Room, at_rms, frames, noise, speech_like
from tests.fakes.canceller import FakeCanceller
from voiced.audio.convert import Samples
from voiced.audio.echo.echo_return import Returned
from voiced.audio.echo.handling import Echo, EchoMode, prefer
from voiced.audio.echo.handling import Room as Known
from voiced.audio.format import SILENT_FRAME, Frame
from voiced.audio.level import dbfs

ANSWER = speech_like(14, seed=1)
QUIET = noise(14, -70)


def lived(echo: Echo, room: Room, far: Samples, near: Samples) -> list[Frame]:
    """What the Framer does."""
    heard: list[Frame] = []
    for frame, come in zip(frames(near), room.blocks(far), strict=True):
        for block in come:
            echo.take(block, DEVICE_HZ)
        heard.extend(echo.clean(frame))
    return heard


def mode_of(echo: Echo) -> EchoMode:
    return echo.choice.mode


def in_room(echo: Echo, room: Room) -> list[Frame]:
    return lived(echo, room, ANSWER, room.echo(ANSWER) + QUIET)


def without_echo(echo: Echo) -> list[Frame]:
    return lived(echo, Room(), ANSWER, QUIET)


@pytest.mark.parametrize("mode", [EchoMode.OFF, EchoMode.SYSTEM])
def test_off_and_system_change_not_a_bit_and_measure_nothing(mode: EchoMode) -> None:
    canceller = FakeCanceller()
    echo = Echo(mode, canceller=canceller)
    room = Room()
    near = room.echo(ANSWER[:48000])
    assert lived(echo, room, ANSWER[:48000], near) == frames(near)
    assert not echo.listens
    assert canceller.heard == []
    assert str(echo.choice) == f"{mode.value}: as [echo] mode says"


def test_webrtc_asks_the_canceller_about_every_frame_silent_ones_too() -> None:
    canceller = FakeCanceller()
    echo = Echo(EchoMode.WEBRTC, canceller=canceller)
    near = frames(noise(1, -40))
    assert [frame for each in near for frame in echo.clean(each)] == near
    assert canceller.heard == [(each, SILENT_FRAME) for each in near]


def test_webrtc_without_a_canceller_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="canceller"):
        Echo(EchoMode.WEBRTC)


def test_half_duplex_lets_nothing_of_the_echo_through_and_tells_what_it_measured() -> None:
    echo = Echo(EchoMode.HALF_DUPLEX)
    heard = in_room(echo, Room(delay_ms=150, return_db=-10))
    assert max(dbfs(each) for each in heard) < -60  # the room's noise before the answer
    assert echo.silenced > 400
    assert mode_of(echo) is EchoMode.HALF_DUPLEX
    assert echo.choice.return_db == pytest.approx(-10, abs=5)
    assert echo.choice.delay_ms == pytest.approx(150 - 15, abs=12)  # the far end's cushion
    assert echo.choice.why.startswith(
        "as [echo] mode says; the microphone hears the loudspeaker (-"
    )


def test_auto_without_a_canceller_is_off_until_an_echo_is_measured() -> None:
    echo = Echo(EchoMode.AUTO)
    assert mode_of(echo) is EchoMode.OFF
    in_room(echo, Room(return_db=-20))
    assert mode_of(echo) is EchoMode.HALF_DUPLEX
    assert "hears the loudspeaker (-" in echo.choice.why
    assert "pip install 'voiced[echo]'" in echo.choice.why


def test_auto_cancels_from_the_first_frame_on_and_tells_how_well() -> None:
    echo = Echo(EchoMode.AUTO, canceller=FakeCanceller(30))
    assert mode_of(echo) is EchoMode.WEBRTC
    in_room(echo, Room(return_db=-10))
    assert mode_of(echo) is EchoMode.WEBRTC
    assert echo.choice.erle_db == pytest.approx(30, abs=2)
    assert "takes 30 dB away" in echo.choice.why


def test_auto_gates_when_the_canceller_takes_too_little() -> None:
    echo = Echo(EchoMode.AUTO, canceller=FakeCanceller(4))
    heard = in_room(echo, Room(return_db=-10))
    assert mode_of(echo) is EchoMode.HALF_DUPLEX
    assert "takes 4 dB away, and 16 are needed" in echo.choice.why
    assert heard[-1] == SILENT_FRAME


def test_auto_cancels_again_when_the_canceller_has_learned() -> None:
    canceller = FakeCanceller(4)
    echo = Echo(EchoMode.AUTO, canceller=canceller)
    in_room(echo, Room(return_db=-10))
    canceller.takes_db = 25
    in_room(echo, Room(return_db=-10))
    assert mode_of(echo) is EchoMode.WEBRTC


@pytest.mark.parametrize(
    ("canceller", "mode"), [(None, EchoMode.OFF), (FakeCanceller(4), EchoMode.WEBRTC)]
)
def test_where_a_button_takes_the_turns_nobody_is_silenced_unasked(
    canceller: FakeCanceller | None, mode: EchoMode
) -> None:
    """Its press cuts the answer, and the first words come at once."""
    echo = Echo(EchoMode.AUTO, canceller=canceller, by_voice=False)
    in_room(echo, Room(return_db=-10))
    assert mode_of(echo) is mode
    assert echo.silenced == 0


def test_auto_leaves_a_headset_alone_and_comes_back_for_a_loudspeaker() -> None:
    echo = Echo(EchoMode.AUTO, canceller=FakeCanceller())
    without_echo(echo)
    assert mode_of(echo) is EchoMode.OFF
    assert echo.choice.why == "the microphone does not hear the loudspeaker"
    in_room(echo, Room(return_db=-15))
    assert mode_of(echo) is EchoMode.WEBRTC


def test_a_talker_over_the_answer_is_no_echo() -> None:
    echo = Echo(EchoMode.AUTO)
    lived(echo, Room(), ANSWER, at_rms(speech_like(14, seed=5), -25) + QUIET)
    assert mode_of(echo) is EchoMode.OFF


FOUND = st.builds(
    lambda db: Returned(True, db, 60) if db > -70 else Returned(False), st.floats(-80, 0)
)


@given(st.booleans(), FOUND, st.none() | st.floats(0, 50), st.booleans())
def test_a_room_that_stays_as_it_is_has_one_mode(
    canceller: bool, found: Returned, erle_db: float | None, by_voice: bool
) -> None:
    """Whatever the mode is: the second choice is the last."""
    room = Known(canceller, found, erle_db, by_voice)
    for now in (EchoMode.OFF, EchoMode.WEBRTC, EchoMode.HALF_DUPLEX):
        first, _ = prefer(room, now)
        second, _ = prefer(room, first)
        third, _ = prefer(room, second)
        assert third is second


@given(
    st.lists(st.tuples(st.floats(-51.9, -45.1), st.floats(10.1, 15.9)), min_size=2, max_size=20),
    st.booleans(),
)
def test_figures_that_tremble_at_a_limit_change_the_mode_once_at_most(
    figures: list[tuple[float, float]], canceller: bool
) -> None:
    for now in (EchoMode.OFF, EchoMode.WEBRTC, EchoMode.HALF_DUPLEX):
        modes, mode = [now], now
        for return_db, erle_db in figures:
            mode, _ = prefer(Known(canceller, Returned(True, return_db, 60), erle_db), mode)
            modes.append(mode)
        assert sum(a is not b for a, b in pairwise(modes)) <= 1
