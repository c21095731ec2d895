"""The daemon, the real detector and the embedded server on a real socket: what goes up of what was said?

Files are the devices, so this takes as long as what is said; nothing is measured in time.
"""

import base64
import shutil
from pathlib import Path

import attrs
import numpy as np
import soundfile

from tests.local.client import Watcher, serving
from tests.local.test_with_the_daemon import settings, until
from voiced.app import Daemon
from voiced.edges.voice import ProgramVoice
from voiced.local.ears import PlainEars
from voiced.notices import Moment, NoticeBoard
from voiced.outside import ports_from


async def test_who_says_the_word_and_asks_without_a_pause_is_heard_from_the_first_sample_on(
    tmp_path: Path,
) -> None:
    flite = shutil.which("flite")
    assert flite is not None, "flite is not installed: scripts/test does that"
    voice = ProgramVoice("flite", flite, "en", limit_s=60)
    before, word, question = [
        await voice.speak(sentence)
        for sentence in ("Nobody has asked you.", "Okay Naboo", "What time is it?")
    ]
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(answers=["[tone 500]"], ears=ears, watch=watch) as port:
        config = settings(tmp_path, port, "pcm")
        activation = attrs.evolve(config.activation, mode="wake_word", wake_words=("okay_nabu",))
        config = attrs.evolve(config, activation=activation)
        said = before + bytes(48 * 1000) + word + question + bytes(48 * 1000)
        path = config.capture.devices[0].removeprefix("file:")
        soundfile.write(path, np.frombuffer(said, np.int16), 24_000, subtype="PCM_16")
        board = NoticeBoard()
        await until(board, Daemon(config, ports_from(config, {}), board=board), Moment.PLAYED)

    events = [one.event for one in watch.traffic]
    up = b"".join(
        base64.b64decode(e["audio"]) for e in events if e["type"] == "input_audio_buffer.append"
    )
    assert question in up, "not a sample of it is missing or changed"
    assert before[-4800:] not in up
    assert word[: len(word) // 4] not in up
    assert [e for e in events if e["type"] == "error"] == []
