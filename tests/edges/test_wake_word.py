"""What every detector of words promises, the fake one and the real one, and what is told of bad models."""

import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio
from attrs import evolve

from tests.fakes.wake import FakeWakeWord
from voiced.audio.format import SILENT_FRAME, Frame
from voiced.audio.framing import FrameSlicer
from voiced.config.activation import Activation
from voiced.config.whole import Config
from voiced.edges.voice import ProgramVoice
from voiced.edges.wake_word import detector_from
from voiced.faults import ConfigError
from voiced.hardware import wake_word_from
from voiced.link.wake import RECOGNISED_AFTER_MS
from voiced.ports import WakeWord

LATEST = 30  # frames after the end of a word: what a person would not wait for
WORD = "alexa"


@attrs.define(eq=False)
class Subject:
    """A detector of one word, and how that sounds."""

    port: WakeWord
    said: list[Frame]

    async def spotted(self, frames: Sequence[Frame], at_once: int = 3) -> list[tuple[int, str]]:
        """Which words were recognised, each with the number of the frame among all."""
        found = []
        with trio.fail_after(60):
            async with self.port.open() as detector:
                for start in range(0, len(frames), at_once):
                    some = frames[start : start + at_once]
                    for index, word in await detector.listen(some):
                        assert 0 <= index < len(some)
                        found.append((start + index, word))
        return found


Promise = Callable[[Subject], Awaitable[None]]


async def spoken(sentence: str) -> list[Frame]:
    path = shutil.which("flite")
    assert path is not None, "flite is not installed: scripts/test does that"
    slicer = FrameSlicer()
    pcm = await ProgramVoice("flite", path, "en", limit_s=60).speak(sentence)
    return [*slicer.feed(pcm), *slicer.finish()[0]]


async def fake() -> Subject:
    value = 9001
    return Subject(FakeWakeWord({value: WORD}), [value.to_bytes(2, "little") * 480] * 30)


async def real() -> Subject:
    return Subject(detector_from([WORD], 0.5), await spoken("Alexa"))


async def silence_is_no_word(subject: Subject) -> None:
    assert await subject.spotted([SILENT_FRAME] * 500) == []


async def a_word_is_recognised_once_soon_after_its_end(subject: Subject) -> None:
    frames = [SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100
    [(at, word)] = await subject.spotted(frames)
    assert word == WORD
    end = 50 + len(subject.said)
    assert end - len(subject.said) < at < end + LATEST


async def it_can_be_said_again(subject: Subject) -> None:
    frames = ([SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100) * 3
    assert len(await subject.spotted(frames)) == 3


async def it_does_not_matter_how_much_is_given_at_once(subject: Subject) -> None:
    frames = [SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100
    found = [await subject.spotted(frames, at_once) for at_once in (1, 3, 25, len(frames))]
    assert len(found[0]) == 1
    assert found == [found[0]] * 4


@pytest.mark.parametrize("subject", [fake, real], ids=["fake", "real"])
@pytest.mark.parametrize(
    "promise",
    [
        silence_is_no_word,
        a_word_is_recognised_once_soon_after_its_end,
        it_can_be_said_again,
        it_does_not_matter_how_much_is_given_at_once,
    ],
    ids=lambda promise: promise.__name__,
)
async def test_a_detector_keeps_its_promises(
    subject: Callable[[], Awaitable[Subject]], promise: Promise
) -> None:
    await promise(await subject())


@pytest.mark.parametrize("subject", [fake, real], ids=["fake", "real"])
async def test_who_is_cancelled_while_it_listens_is_cancelled(
    subject: Callable[[], Awaitable[Subject]],
) -> None:
    """The library's front end eats an exception that passes while it is freed."""
    port = (await subject()).port

    async def listen() -> None:
        async with port.open() as detector:
            scope.cancel()
            await detector.listen([SILENT_FRAME] * 3)
            await trio.sleep_forever()

    with trio.fail_after(60), trio.CancelScope() as scope:
        await listen()
    assert scope.cancelled_caught


# --- the real one ---------------------------------------------------------------------------------


async def test_the_sound_right_after_a_word_is_within_what_is_kept() -> None:
    """The word ends where its last loud frame does; it is recognised before what is kept is over."""
    subject = await real()
    loud = [np.abs(np.frombuffer(frame, "<i2")).max() > 500 for frame in subject.said]
    end = 50 + max(at for at, each in enumerate(loud) if each)
    [(at, _)] = await subject.spotted([SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100)
    assert (at - end) * 20 <= RECOGNISED_AFTER_MS


async def test_of_several_words_the_one_is_told_that_was_said() -> None:
    port = detector_from(["okay_nabu", "alexa", "hey_jarvis", "hey_mycroft"], 0.5)
    subject = Subject(port, await spoken("Alexa"))
    frames = [SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100
    assert [word for _, word in await subject.spotted(frames)] == ["alexa"]


async def test_speech_without_the_word_wakes_nobody() -> None:
    said = await spoken("What time does the museum open tomorrow, and how much is a ticket?")
    subject = Subject(detector_from(["okay_nabu", "alexa"], 0.5), said)
    assert await subject.spotted(([SILENT_FRAME] * 20 + said) * 3) == []


async def test_an_owner_brings_a_model_of_his_own(tmp_path: Path) -> None:
    import pymicro_wakeword

    models = Path(pymicro_wakeword.__file__).parent / "models"
    for ending in ("json", "tflite"):
        shutil.copy(models / f"alexa.{ending}", tmp_path / f"alexa.{ending}")
    path = str(tmp_path / "alexa.json")
    subject = Subject(detector_from([path], 0.5), await spoken("Alexa"))
    frames = [SILENT_FRAME] * 50 + subject.said + [SILENT_FRAME] * 100
    assert [word for _, word in await subject.spotted(frames)] == [path]


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"micro": {}}', '{"model": "no.tflite", "wake_word": "No"}']
)
def test_a_model_that_is_no_good_is_told_at_the_start(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"the model of '.*mine\.json' can't be used"):
        detector_from([str(path)], 0.5)


def test_a_model_that_is_none_is_told_before_the_library_dies_of_it(tmp_path: Path) -> None:
    import pymicro_wakeword

    models = Path(pymicro_wakeword.__file__).parent / "models"
    shutil.copy(models / "alexa.json", tmp_path / "alexa.json")
    (tmp_path / "alexa.tflite").write_bytes(b"<html>404 Not Found</html>")
    with pytest.raises(ConfigError, match="is no TensorFlow Lite model"):
        detector_from([str(tmp_path / "alexa.json")], 0.5)


def test_a_model_without_its_other_half_is_told_at_the_start(tmp_path: Path) -> None:
    import pymicro_wakeword

    models = Path(pymicro_wakeword.__file__).parent / "models"
    shutil.copy(models / "alexa.json", tmp_path / "alexa.json")
    with pytest.raises(ConfigError, match="can't be used"):
        detector_from([str(tmp_path / "alexa.json")], 0.5)


def test_a_detector_that_is_not_installed_is_told_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    config = evolve(Config(), activation=Activation(mode="wake_word"))
    with pytest.raises(ConfigError, match=r"pip install 'voiced\[wake\]'"):
        wake_word_from(config)


def test_who_wants_no_words_pays_nothing_for_them() -> None:
    told = (
        "import sys; from voiced.config.whole import Config; from voiced.hardware import *; "
        "assert wake_word_from(Config()) is None; "
        "assert not [name for name in sys.modules if 'wakeword' in name or 'wake_word' in name]"
    )
    subprocess.run([sys.executable, "-c", told], check=True, timeout=60)
