"""Formats, their arithmetic, and the cutting of answers."""

import numpy as np
import pytest

from voiced.local import g711, pacing, sound
from voiced.local.pacing import Pace
from voiced.local.sound import Intake, WireFormat
from voiced.local.voice import sentences, tone

# Pairs of the recommendation: silence, full scale, and values in between.
ULAW = {0xFF: 0, 0x80: 32124, 0x00: -32124, 0xEF: 132, 0x7E: -8}
ALAW = {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xC5: 264}


def test_known_codes() -> None:
    for code, value in ULAW.items():
        assert g711.decode_ulaw(bytes([code]))[0] == value
    for code, value in ALAW.items():
        assert g711.decode_alaw(bytes([code]))[0] == value


def test_every_code_survives_the_round_trip() -> None:
    codes = bytes(range(256))
    ulaw = g711.encode_ulaw(g711.decode_ulaw(codes))

    assert g711.encode_alaw(g711.decode_alaw(codes)) == codes
    # mu-law has two zeros; one of them is enough
    assert [c for c, d in zip(codes, ulaw, strict=True) if c != d] in ([0x7F], [0xFF])


def test_no_sample_is_further_off_than_half_a_step() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    for encode, decode in (
        (g711.encode_ulaw, g711.decode_ulaw),
        (g711.encode_alaw, g711.decode_alaw),
    ):
        error = np.abs(decode(encode(every)).astype(int) - every)
        assert np.all(error <= np.maximum(np.abs(every.astype(int)) / 32 + 8, 8) + 128)


def test_telephone_sound_becomes_exactly_three_samples_each() -> None:
    data = g711.encode_ulaw(np.array([0, 3000, 6000, 3000, 0], dtype=np.int16))
    whole = Intake(WireFormat.ULAW).feed(data)
    split = Intake(WireFormat.ULAW)

    assert len(whole) == len(data) * 3 * 2
    assert b"".join(split.feed(data[i : i + 1]) for i in range(len(data))) == whole
    assert split.feed(b"") == b""
    assert Intake(WireFormat.PCM).feed(b"ab") == b"ab"


@pytest.mark.parametrize("wire", [WireFormat.ULAW, WireFormat.ALAW])
def test_telephone_answers_are_a_sixth_as_long_and_sound_the_same(wire: WireFormat) -> None:
    pcm = tone(500, 440)
    data = sound.to_wire(pcm, wire)
    back = np.frombuffer(Intake(wire).feed(data), dtype="<i2").astype(float)
    original = np.frombuffer(pcm, dtype="<i2").astype(float)

    assert len(data) == 500 * 8
    middle = slice(2400, 9600)
    assert np.corrcoef(back[middle], original[middle])[0, 1] > 0.95


def test_deltas_are_cut_as_told() -> None:
    pcm = bytes(range(256)) * 100

    even = list(pacing.deltas(pcm, 1000, odd=False))
    odd = list(pacing.deltas(pcm, 1000, odd=True))
    assert [len(piece) for piece in even[:-1]] == [1000] * 25
    assert [len(piece) for piece in odd[:4]] == [1001, 999, 1001, 999]
    assert b"".join(even) == b"".join(odd) == pcm


def test_the_pace_is_a_multiple_of_sound() -> None:
    assert Pace(4.0).due_s(2000) == 0.5
    assert Pace(1.0).due_s(250) == 0.25
    assert Pace(float("inf")).due_s(60_000) == 0.0


def test_stalls_come_once_or_again_and_again() -> None:
    once = Pace(float("inf"), stall_after_ms=500, stall_ms=300)
    often = Pace(float("inf"), stall_after_ms=500, stall_ms=300, stall_every_ms=1000)

    assert [once.due_s(at) for at in (250, 500, 5000)] == [0, 0.3, 0.3]
    assert [often.due_s(at) for at in (250, 500, 1499, 1500, 2500)] == pytest.approx(
        [0, 0.3, 0.3, 0.6, 0.9]
    )


def test_words_keep_their_spaces() -> None:
    assert pacing.words(" It is noon.") == [" It", " is", " noon."]
    assert "".join(pacing.words("It is noon.")) == "It is noon."
    assert pacing.words("") == []


def test_text_is_cut_where_one_breathes() -> None:
    text = "It is noon. Is it? Yes! Seven, at 3.15."

    assert list(sentences(text)) == ["It is noon.", "Is it?", "Yes!", "Seven, at 3.15."]
    assert list(sentences("[tone 300]")) == ["[tone 300]"]
    assert list(sentences("  ")) == []
    assert [len(part) for part in sentences("word " * 100)] == [399, 99]
