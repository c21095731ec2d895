"""Sound on its way to the wire and back: exact counts, any cuts, and little is lost to the ear."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiced.audio.convert import Pcm
from voiced.audio.format import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME
from voiced.audio.framing import FrameSlicer
from voiced.audio.g711 import A_LAW, MU_LAW, Law
from voiced.audio.wire import Decoder, Encoder, WireFormat

LAWS = {WireFormat.PCMU: MU_LAW, WireFormat.PCMA: A_LAW}
every_format = pytest.mark.parametrize("form", list(WireFormat))
telephone = pytest.mark.parametrize(("form", "law"), LAWS.items())
HELD_SAMPLES = 600  # 25 ms


def tone(hz: float, samples: int, amplitude: int = 8000) -> Pcm:
    at = np.arange(samples) / 24_000
    sound: Pcm = np.rint(amplitude * np.sin(2 * np.pi * hz * at)).astype("<i2")
    return sound


def frames(sound: Pcm) -> list[bytes]:
    return FrameSlicer().feed(sound.tobytes())


def encoded(form: WireFormat, sound: Pcm) -> bytes:
    encoder = Encoder(form)
    pieces = [piece for frame in frames(sound) for piece in encoder.feed(frame)]
    return b"".join([*pieces, *encoder.finish()])


def decoded(form: WireFormat, deltas: Sequence[bytes]) -> bytes:
    decoder = Decoder(form)
    return b"".join([*(decoder.feed(delta) for delta in deltas), decoder.finish()])


def noise(size: int) -> bytes:
    return np.random.default_rng(7).integers(0, 256, size, np.uint8).tobytes()


# --- how long it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "wire_bytes", "ms"),
    [
        (WireFormat.PCM, 0, 0),
        (WireFormat.PCM, 47, 0),
        (WireFormat.PCM, 48, 1),
        (WireFormat.PCM, 48_000, 1000),
        (WireFormat.PCMU, 7, 0),
        (WireFormat.PCMU, 8, 1),
        (WireFormat.PCMU, 8_000, 1000),
        (WireFormat.PCMA, 8_007, 1000),
    ],
)
def test_bytes_are_milliseconds_rounded_down(form: WireFormat, wire_bytes: int, ms: int) -> None:
    assert form.ms_of(wire_bytes) == ms


# --- up ---------------------------------------------------------------------------------------------


def test_pcm_goes_up_as_it_is_without_a_copy() -> None:
    encoder = Encoder(WireFormat.PCM)
    frame = bytes(range(240)) * 4
    assert encoder.feed(frame)[0] is frame
    assert encoder.held_samples == 0
    assert encoder.finish() == []


@telephone
def test_each_frame_becomes_one_piece_of_160_bytes_at_once(form: WireFormat, law: Law) -> None:
    encoder = Encoder(form)
    sizes = [[len(piece) for piece in encoder.feed(frame)] for frame in frames(tone(440, 48_000))]
    assert sizes[0] == []  # it fills the resampler
    assert sizes[1:] == [[160]] * 99


@telephone
def test_the_newest_sample_sent_is_25_ms_old_and_the_encoder_says_so(
    form: WireFormat, law: Law
) -> None:
    """A click in the last of many frames comes out where `held_samples` says."""
    encoder = Encoder(form)
    wire = b"".join(piece for _ in range(50) for piece in encoder.feed(SILENT_FRAME))
    assert encoder.held_samples == HELD_SAMPLES
    click = np.zeros(FRAME_SAMPLES, "<i2")
    click[240:243] = 20_000
    taken = 50 * FRAME_SAMPLES + 241  # to the middle of the click
    wire += b"".join(
        piece for frame in (click.tobytes(), *[SILENT_FRAME] * 5) for piece in encoder.feed(frame)
    )
    assert encoder.held_samples == HELD_SAMPLES
    loudest = int(np.abs(np.frombuffer(law.decode(wire), "<i2").astype(int)).argmax())
    end_of_wire = 56 * FRAME_SAMPLES - HELD_SAMPLES  # what the last code sent was taken as
    assert (len(wire) - loudest) * 3 == pytest.approx(end_of_wire - taken, abs=5)


@telephone
def test_the_end_of_speech_goes_up_whole_and_nothing_of_it_goes_up_again(
    form: WireFormat, law: Law
) -> None:
    encoder = Encoder(form)
    for _ in range(2):
        pieces = [piece for frame in frames(tone(440, 4800)) for piece in encoder.feed(frame)]
        pieces += encoder.finish()
        assert {len(piece) for piece in pieces} == {160}
        assert len(pieces) == 11  # ten frames, and some silence before and after
        assert encoder.held_samples == 0
        codes = np.frombuffer(b"".join(pieces), np.uint8)
        sounding = np.flatnonzero(codes != law.encode(bytes(2))[0])
        assert sounding.max() - sounding.min() == pytest.approx(1600, abs=3)
    assert encoder.finish() == []


@telephone
def test_one_frame_alone_goes_up(form: WireFormat, law: Law) -> None:
    encoder = Encoder(form)
    assert encoder.feed(tone(440, FRAME_SAMPLES).tobytes()) == []
    assert [len(piece) for piece in encoder.finish()] == [160]


# --- down -------------------------------------------------------------------------------------------


def test_pcm_comes_down_as_it_is_without_a_copy() -> None:
    decoder = Decoder(WireFormat.PCM)
    delta = noise(961)
    assert decoder.feed(delta) is delta
    assert decoder.finish() == b""


@telephone
@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 239, 240, 241, 2000, 7999])
def test_each_byte_becomes_three_samples_in_all(form: WireFormat, law: Law, size: int) -> None:
    assert len(decoded(form, [noise(size)])) == size * 3 * 2


@telephone
@settings(max_examples=50, deadline=None)
@given(size=st.integers(0, 3000), cuts=st.lists(st.integers(0, 3000), max_size=12))
def test_however_deltas_are_cut_the_sound_is_the_same_to_the_bit(
    form: WireFormat, law: Law, size: int, cuts: list[int]
) -> None:
    sound = noise(size)
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]
    deltas = [sound[a:b] for a, b in itertools.pairwise(edges)]
    assert decoded(form, deltas) == decoded(form, [sound])


@telephone
def test_what_is_dropped_is_not_heard_in_what_comes_next(form: WireFormat, law: Law) -> None:
    decoder = Decoder(form)
    decoder.feed(noise(1000))
    decoder.drop()
    assert decoder.finish() == b""
    sound = noise(500)
    assert decoder.feed(sound) + decoder.finish() == decoded(form, [sound])


# --- both -------------------------------------------------------------------------------------------


def noise_ratio_db(sound: Pcm, hz: float) -> float:
    """How far all that is not that tone lies below it."""
    at = 2 * np.pi * hz * np.arange(sound.size) / 24_000
    basis = np.stack([np.sin(at), np.cos(at), np.ones(sound.size)], axis=1)
    floats = sound.astype(np.float64)
    fitted = basis @ np.linalg.lstsq(basis, floats, rcond=None)[0]
    return float(10 * np.log10(np.mean(fitted**2) / np.mean((floats - fitted) ** 2)))


@telephone
@pytest.mark.parametrize("hz", [200, 440, 1000, 3000])
@pytest.mark.parametrize("amplitude", [500, 8000, 30_000])
def test_a_tone_survives_the_way_there_and_back(
    form: WireFormat, law: Law, hz: float, amplitude: int
) -> None:
    back = np.frombuffer(decoded(form, [encoded(form, tone(hz, 48_000, amplitude))]), "<i2")
    middle = back[12_000:36_000]
    assert noise_ratio_db(middle, hz) > 30
    assert np.abs(middle).max() == pytest.approx(amplitude, rel=0.05)


@telephone
def test_what_a_telephone_cannot_carry_does_not_come_back_as_something_else(
    form: WireFormat, law: Law
) -> None:
    back = np.frombuffer(decoded(form, [encoded(form, tone(6000, 48_000, 8000))]), "<i2")
    assert np.abs(back[12_000:36_000]).max() < 8000 / 100


@every_format
def test_silence_stays_silence_but_for_the_smallest_step(form: WireFormat) -> None:
    back = np.frombuffer(decoded(form, [encoded(form, np.zeros(48_000, "<i2"))]), "<i2")
    assert np.abs(back).max() <= (10 if form is WireFormat.PCMA else 0)
    assert not back.size * 2 % FRAME_BYTES
