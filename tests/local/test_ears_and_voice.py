"""What listens and what speaks: the plain ones exactly, the real ones on each other."""

import shutil
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest
import trio
import trio.lowlevel

from tests.local.client import PATIENCE_S
from voiced.local import hearing, speech
from voiced.local.ears import EnergyActivity, PlainEars, Window
from voiced.local.errors import RecognitionFailed, SpeechFailed
from voiced.local.hearing import RealEars
from voiced.local.sound import ms, silence
from voiced.local.speech import ProgramVoice, read_wav
from voiced.local.voice import RecordedVoice, ToneVoice, tone

FLITE = ProgramVoice(shutil.which("flite") or "flite")
ESPEAK = ProgramVoice(shutil.which("espeak-ng") or "espeak-ng")


@pytest.fixture
async def ears() -> AsyncIterator[RealEars]:
    opened = hearing.open_ears()
    yield opened
    await opened.aclose()


# --- plain --------------------------------------------------------------------------------------


async def test_energy_is_judged_in_windows_of_20_ms_however_it_comes() -> None:
    pcm = silence(40) + tone(40) + silence(10)
    whole = await EnergyActivity(500).feed(pcm)
    piecewise = EnergyActivity(500)
    pieces = [w for i in range(0, len(pcm), 334) for w in await piecewise.feed(pcm[i : i + 334])]

    assert whole == pieces == [Window(480, p) for p in (0.0, 0.0, 1.0, 1.0)]


async def test_plain_ears_hear_what_they_were_told() -> None:
    ears = PlainEars(["one", "two"])
    heard = [await ears.recognise(silence(100 * n), []) for n in (1, 2, 3)]

    assert heard == ["one", "two", "two"]
    assert ears.heard_ms == [100, 200, 300]
    assert await PlainEars().recognise(silence(20), []) == ""


async def test_a_tone_lasts_as_long_as_it_is_told() -> None:
    voice = ToneVoice(ms_per_character=10)

    assert ms(await voice.speak("[tone 1234]", 1.0)) == 1234
    assert ms(await voice.speak("hello", 2.0)) == 50
    assert await RecordedVoice(b"\1\0").speak("anything", 1.0) == b"\1\0"


# --- voices -------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [FLITE, ESPEAK], ids=["flite", "espeak-ng"])
async def test_programs_speak(voice: ProgramVoice) -> None:
    usual = await voice.speak("What is seven times six?", 1.0)
    slow = await voice.speak("What is seven times six?", 0.5)

    samples = np.frombuffer(usual, dtype="<i2")
    assert 800 < ms(usual) < 4000
    assert ms(slow) > 1.4 * ms(usual)
    assert np.abs(samples.astype(int)).max() > 2000


async def test_text_is_never_taken_for_an_argument() -> None:
    assert ms(await ESPEAK.speak("--version", 1.0)) > 100
    assert ms(await FLITE.speak("--version", 1.0)) > 100


async def test_a_program_that_fails_is_named() -> None:
    with pytest.raises(SpeechFailed, match="/bin/false could not speak"):
        await ProgramVoice("/bin/false").speak("hello", 1.0)
    with pytest.raises(SpeechFailed, match="/nowhere/flite could not speak"):
        await ProgramVoice("/nowhere/flite").speak("hello", 1.0)


def test_the_clearer_voice_is_found_first() -> None:
    assert speech.find_voice().program.endswith("flite")


def wav(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF\xff\xff\xff\xffWAVE" + body


MONO = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
STEREO = struct.pack("<HHIIHH", 1, 2, 16000, 64000, 4, 16)


def test_wav_files_of_pipes_are_read() -> None:
    assert read_wav(wav((b"LIST", b"abc\0"), (b"fmt ", MONO), (b"data", b"1234"))) == (
        16000,
        b"1234",
    )
    endless = wav((b"fmt ", MONO)) + b"data\xff\xff\xff\x7f" + b"12345"
    assert read_wav(endless) == (16000, b"1234")


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", wav((b"fmt ", STEREO), (b"data", b"")), wav((b"fmt ", MONO))]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(SpeechFailed):
        read_wav(data)


# --- ears ---------------------------------------------------------------------------------------


async def test_silero_hears_speech_where_it_is_and_nothing_elsewhere(ears: RealEars) -> None:
    speech_pcm = await FLITE.speak("Tell me a longer story.", 1.0)
    pcm = silence(1000) + speech_pcm + silence(1000)
    activity = ears.voice_activity()
    windows = [w for i in range(0, len(pcm), 960) for w in await activity.feed(pcm[i : i + 960])]

    ends = np.cumsum([window.samples for window in windows]) / 24
    loud = [end for end, window in zip(ends, windows, strict=True) if window.probability > 0.5]
    assert 1000 < loud[0] < 1500
    assert 1000 + ms(speech_pcm) - 700 < loud[-1] < 1000 + ms(speech_pcm) + 200
    assert abs(ends[-1] - ms(pcm)) < 64


async def test_a_quiet_room_costs_no_model(ears: RealEars) -> None:
    activity = ears.voice_activity()
    noise = np.random.default_rng(0).normal(0, 50, 24000).astype("<i2").tobytes()

    assert {window.probability for window in await activity.feed(noise)} == {0.0}
    assert activity._model is None


async def test_a_loud_tone_is_no_speech(ears: RealEars) -> None:
    windows = await ears.voice_activity().feed(tone(1000))

    assert sum(window.probability > 0.5 for window in windows) < 3


@pytest.mark.parametrize(
    "sentence",
    [
        "what time is it",
        "what is seven times six",
        "hello there",
        "tell me a longer story",
        "repeat after me the red house in the garden",
        "never mind",
    ],
)
async def test_known_sentences_are_recognised(ears: RealEars, sentence: str) -> None:
    pcm = silence(300) + await FLITE.speak(sentence, 1.0) + silence(500)

    assert await ears.recognise(pcm, []) == sentence


async def test_what_is_unknown_is_not_guessed_at(ears: RealEars) -> None:
    sentence = "The weather is nice in the mountains today."
    pcm = silence(300) + await FLITE.speak(sentence, 1.0) + silence(500)

    assert await ears.recognise(pcm, []) == ""
    assert await ears.recognise(silence(1000), []) == ""
    assert await ears.recognise(b"", []) == ""


async def test_a_session_can_bring_sentences_along(ears: RealEars) -> None:
    sentence = "use the tool get weather"
    pcm = silence(300) + await FLITE.speak(sentence, 1.0) + silence(500)

    assert await ears.recognise(pcm, [sentence, "xyzzyq"]) == sentence
    assert await ears.recognise(pcm, []) != sentence


async def test_a_dead_recogniser_is_raised_from_the_dead(ears: RealEars) -> None:
    pcm = silence(300) + await FLITE.speak("hello there", 1.0) + silence(500)
    await ears.recognise(pcm, [])
    worker = ears._worker
    assert worker is not None
    worker.kill()
    await worker.wait()

    assert await ears.recognise(pcm, []) == "hello there"


async def test_a_recogniser_that_breaks_off_is_reported(
    ears: RealEars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    with pytest.raises(RecognitionFailed, match="gave no answer"):
        await ears.recognise(silence(10_000), [])


async def test_listening_leaves_the_loop_alone(ears: RealEars) -> None:
    """While an utterance is recognised, another task goes on running."""
    pcm = await FLITE.speak("repeat after me the red house", 1.0)
    turns = []

    async def count() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            turns.append(1)

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            await ears.recognise(silence(300) + pcm, [])
            nursery.cancel_scope.cancel()

    assert len(turns) > 50
