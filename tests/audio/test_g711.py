"""G.711 as the recommendation has it: every sample and every code, against libsndfile's."""

import io

import numpy as np
import pytest
import soundfile

from voiced.audio.convert import Pcm
from voiced.audio.g711 import A_LAW, MU_LAW, Law

EVERY_SAMPLE = np.arange(-32768, 32768).astype("<i2")
EVERY_CODE = bytes(range(256))

both = pytest.mark.parametrize(
    ("law", "subtype"), [(MU_LAW, "ULAW"), (A_LAW, "ALAW")], ids=["mu-law", "A-law"]
)


def theirs_encoded(samples: Pcm, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="RAW", subtype=subtype)
    return file.getvalue()


def theirs_decoded(codes: bytes, subtype: str) -> bytes:
    samples, _ = soundfile.read(
        io.BytesIO(codes), samplerate=8000, channels=1, dtype="int16", format="RAW", subtype=subtype
    )
    pcm: bytes = samples.astype("<i2").tobytes()
    return pcm


@both
def test_each_of_65536_samples_has_the_code_that_libsndfile_gives_it(
    law: Law, subtype: str
) -> None:
    assert law.encode(EVERY_SAMPLE.tobytes()) == theirs_encoded(EVERY_SAMPLE, subtype)


@both
def test_each_of_256_codes_is_the_sample_that_libsndfile_makes_of_it(
    law: Law, subtype: str
) -> None:
    assert law.decode(EVERY_CODE) == theirs_decoded(EVERY_CODE, subtype)


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [  # from the recommendation's tables, in 16 bits
        (MU_LAW, 0xFF, 0),
        (MU_LAW, 0xFE, 2 * 4),
        (MU_LAW, 0xEF, 33 * 4),
        (MU_LAW, 0x80, 8031 * 4),
        (MU_LAW, 0x00, -8031 * 4),
        (A_LAW, 0xD5, 1 * 8),
        (A_LAW, 0x55, -1 * 8),
        (A_LAW, 0xC5, 33 * 8),
        (A_LAW, 0xAA, 4032 * 8),
        (A_LAW, 0x2A, -4032 * 8),
    ],
)
def test_values_of_the_recommendation(law: Law, code: int, sample: int) -> None:
    assert law.decode(bytes([code])) == sample.to_bytes(2, "little", signed=True)


@both
def test_what_was_decoded_is_encoded_to_the_same(law: Law, subtype: str) -> None:
    again = law.encode(law.decode(EVERY_CODE))
    differing = [code for code in EVERY_CODE if again[code] != code]
    assert differing == ([0x7F] if law is MU_LAW else [])  # mu-law has two zeros: one is enough


@both
def test_a_greater_sample_never_has_a_smaller_value(law: Law, subtype: str) -> None:
    values = np.frombuffer(law.decode(law.encode(EVERY_SAMPLE.tobytes())), "<i2").astype(int)
    assert np.all(np.diff(values) >= 0)


def test_nothing_becomes_nothing() -> None:
    assert (MU_LAW.encode(b""), MU_LAW.decode(b"")) == (b"", b"")


def test_silence_is_silent_in_mu_law_and_the_smallest_step_in_a_law() -> None:
    assert MU_LAW.decode(MU_LAW.encode(bytes(960))) == bytes(960)
    assert set(np.frombuffer(A_LAW.decode(A_LAW.encode(bytes(960))), "<i2")) == {8}
