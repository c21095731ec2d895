"""The voice of this machine: the real programs where they are installed, and bad ones made of shell."""

import os
import shutil
import wave
from pathlib import Path

import attrs
import numpy as np
import pytest

from voiced.audio.earcons import LEVEL_DBFS
from voiced.audio.level import dbfs
from voiced.config.sound import Notices
from voiced.config.whole import Config
from voiced.edges.voice import ProgramVoice, find_voice
from voiced.faults import VoiceError
from voiced.hardware import voice_from

SENTENCE = "I have lost the connection."


@pytest.mark.parametrize("name", ["espeak-ng", "flite"])
async def test_a_real_program_speaks_as_loud_as_answers_and_without_clicks(name: str) -> None:
    path = shutil.which(name)
    assert path is not None, f"{name} is not installed: scripts/test does that"
    pcm = await ProgramVoice(name, path, "en").speak(SENTENCE)
    samples = np.frombuffer(pcm, "<i2")
    assert 0.8 < samples.size / 24_000 < 4
    assert dbfs(pcm) == pytest.approx(LEVEL_DBFS, abs=6)  # less, where peaks forbid it
    assert np.abs(samples.astype(int)).max() <= 0.7 * 32768 + 1
    assert max(abs(int(samples[0])), abs(int(samples[-1]))) < 10
    first, last = samples[:240], samples[-240:]
    assert max(dbfs(first.tobytes()), dbfs(last.tobytes())) < -30


async def test_a_sentence_that_looks_like_an_option_is_a_sentence() -> None:
    for name in ("espeak-ng", "flite"):
        if path := shutil.which(name):
            assert await ProgramVoice(name, path, "en").speak("--help me")


async def test_an_unknown_language_is_explained() -> None:
    path = shutil.which("espeak-ng")
    assert path is not None, "espeak-ng is not installed: scripts/test does that"
    with pytest.raises(VoiceError, match="voice does not exist"):
        await ProgramVoice("espeak-ng", path, "xx").speak(SENTENCE)


def script(tmp_path: Path, text: str, name: str = "espeak-ng") -> ProgramVoice:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return ProgramVoice("espeak-ng", str(program), "en")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exit 3", "ended with 3"),
        ("echo first >&2; echo 'no such thing' >&2; exit 1", "no such thing"),
        ("exit 0", "no WAV file"),
        ("echo hello", "no WAV file"),
        ("head -c 44 /dev/zero", "no WAV file"),
    ],
)
async def test_a_program_that_fails_is_explained(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(VoiceError, match=words):
        await script(tmp_path, text).speak(SENTENCE)


async def test_a_program_that_says_nothing_is_no_voice(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(bytes(4096))
    silent = script(tmp_path, f"cat {tmp_path}/silence.wav")
    with pytest.raises(VoiceError, match="said nothing"):
        await silent.speak(SENTENCE)


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    hanging = attrs.evolve(script(tmp_path, "exec sleep 600"), limit_s=0.3)
    with pytest.raises(VoiceError, match="took longer than 0"):
        await hanging.speak(SENTENCE)


async def test_a_program_that_is_gone_is_explained(tmp_path: Path) -> None:
    gone = ProgramVoice("espeak-ng", str(tmp_path / "gone"), "en")
    with pytest.raises(VoiceError, match="No such file"):
        await gone.speak(SENTENCE)


def test_english_is_spoken_by_either_other_languages_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VoiceError, match="apt install espeak-ng"):
        find_voice("en")
    script(tmp_path, "", "flite")
    assert find_voice("en-gb").name == "flite"
    with pytest.raises(VoiceError, match='speaks "de" is installed'):
        find_voice("de")
    script(tmp_path, "", "espeak-ng")
    assert find_voice("en").name == find_voice("de").name == "espeak-ng"
    assert os.access(find_voice("de").path, os.X_OK)


def test_a_machine_without_a_voice_has_tones_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert voice_from(Config(notices=Notices(mode="voice"))) is None
    assert "announcements will be tones" in caplog.text
    caplog.clear()
    assert voice_from(Config()) is None
    assert caplog.text == ""
    script(tmp_path, "")
    assert voice_from(Config(notices=Notices(mode="voice"))) is not None
