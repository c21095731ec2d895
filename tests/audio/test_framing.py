"""Any run of bytes in, exact frames out: not a byte is lost, moved or made up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.format import FRAME_BYTES
from voiced.audio.framing import FrameSlicer

sounds = st.binary(max_size=4000)


@st.composite
def split_sounds(draw: st.DrawFn) -> list[bytes]:
    """Some sound, cut anywhere: in the middle of a sample, several times at one place."""
    sound = draw(sounds)
    cuts = sorted(draw(st.lists(st.integers(0, len(sound)), max_size=12)))
    return [sound[a:b] for a, b in pairwise([0, *cuts, len(sound)])]


@given(split_sounds())
def test_however_sound_is_split_the_frames_are_the_same(pieces: list[bytes]) -> None:
    slicer, whole = FrameSlicer(), FrameSlicer()
    frames = [frame for piece in pieces for frame in slicer.feed(piece)]
    assert frames == whole.feed(b"".join(pieces))
    assert slicer.finish() == whole.finish()


@given(split_sounds())
def test_frames_are_whole_and_hold_all_bytes_in_order(pieces: list[bytes]) -> None:
    slicer = FrameSlicer()
    frames = [frame for piece in pieces for frame in slicer.feed(piece)]
    last, stray = slicer.finish()
    sound = b"".join(pieces)
    assert {len(frame) for frame in frames + last} <= {FRAME_BYTES}
    assert len(last) <= 1
    assert stray == len(sound) % 2
    whole = sound[: len(sound) - stray]
    together = b"".join(frames + last)
    assert together[: len(whole)] == whole
    assert not any(together[len(whole) :]), "padded with anything but silence"


@given(st.lists(sounds, max_size=8))
def test_a_frame_is_given_as_soon_as_it_is_complete(pieces: list[bytes]) -> None:
    slicer = FrameSlicer()
    fed = given_out = 0
    for piece in pieces:
        fed += len(piece)
        given_out += len(slicer.feed(piece))
        assert given_out == fed // FRAME_BYTES


def test_nothing_gives_nothing() -> None:
    slicer = FrameSlicer()
    assert slicer.feed(b"") == []
    assert slicer.finish() == ([], 0)


def test_the_end_of_whole_frames_needs_no_padding() -> None:
    slicer = FrameSlicer()
    assert slicer.feed(b"\1" * 2 * FRAME_BYTES) == [b"\1" * FRAME_BYTES] * 2
    assert slicer.finish() == ([], 0)


def test_half_a_sample_alone_is_reported_and_never_padded() -> None:
    slicer = FrameSlicer()
    assert slicer.feed(b"\7") == []
    assert slicer.finish() == ([], 1)


def test_after_the_end_it_begins_anew() -> None:
    slicer = FrameSlicer()
    slicer.feed(b"\7" * 961)
    slicer.finish()
    assert slicer.feed(b"\1" * FRAME_BYTES) == [b"\1" * FRAME_BYTES]
