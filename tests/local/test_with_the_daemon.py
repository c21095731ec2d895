"""The daemon and the embedded server, which share no code, on a real socket: do they agree?

Files are the devices, so this takes as long as what is said; nothing is measured in time.
"""

import base64
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile
import trio

from tests.local.client import PATIENCE_S, Watcher, serving
from voiced.account.usage import Kind
from voiced.actors.supervisor import GaveUp
from voiced.app import Daemon
from voiced.audio.convert import Pcm
from voiced.config.conversation import Auth
from voiced.config.whole import Config
from voiced.edges.ledger_file import LedgerFile
from voiced.local.brain import SmallBrain
from voiced.local.ears import PlainEars
from voiced.local.voice import tone
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.outside import dialler_from, ports_from
from voiced.realtime.client_events import AssistantText, UserText

SPOKEN_MS = 600
ANSWER_MS = 700
ANSWER_HZ = 440


def settings(folder: Path, port: int, audio_format: str) -> Config:
    """Files as devices; the user hums for a while and is silent then."""
    sound = np.frombuffer(bytes(48 * 400) + tone(SPOKEN_MS, 300) + bytes(48 * 400), np.int16)
    soundfile.write(folder / "question.wav", sound, 24_000, subtype="PCM_16")
    config = Config()
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    return attrs.evolve(
        config,
        realtime=attrs.evolve(config.realtime, url=url, audio_format=audio_format),
        capture=attrs.evolve(config.capture, device=f"file:{folder / 'question.wav'}"),
        playout=attrs.evolve(config.playout, device=f"file:{folder / 'answer.wav'}"),
    )


async def until(board: NoticeBoard, daemon: Daemon, moment: Moment) -> None:
    """Run *daemon* until that moment has come, and stop it in order."""
    with trio.fail_after(PATIENCE_S), board.watch() as notices:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(daemon.run)
            async for notice in notices:
                if isinstance(notice, Happened) and notice.moment is moment:
                    break
            daemon.supervisor.stop()


def heard(folder: Path) -> Pcm:
    """From the first sound to the last."""
    sound: Pcm = soundfile.read(folder / "answer.wav", dtype="int16")[0]
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 16)  # A-law has no zero
    return sound[loud[0] : loud[-1] + 1]


@pytest.mark.parametrize(
    ("audio_format", "frame_bytes", "bytes_per_ms"),
    [("pcm", 960, 48), ("pcmu", 160, 8), ("pcma", 160, 8)],
)
async def test_a_question_is_understood_and_the_answer_is_heard(
    tmp_path: Path, audio_format: str, frame_bytes: int, bytes_per_ms: int
) -> None:
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(answers=[f"[tone {ANSWER_MS}]"], ears=ears, watch=watch) as port:
        board = NoticeBoard()
        config = settings(tmp_path, port, audio_format)
        daemon = Daemon(config, ports_from(config, {}), board=board)
        await until(board, daemon, Moment.PLAYED)

    events = [one.event for one in watch.traffic]
    appends = [e["audio"] for e in events if e["type"] == "input_audio_buffer.append"]
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    assert {len(base64.b64decode(audio)) for audio in appends} == {frame_bytes}
    assert sum(len(base64.b64decode(delta)) for delta in deltas) == ANSWER_MS * bytes_per_ms
    # speech, the padding before it, and the silence that ended it
    turn_ms = config.turns.prefix_padding_ms + SPOKEN_MS + config.turns.silence_duration_ms
    assert ears.heard_ms == [pytest.approx(turn_ms, abs=40)]  # windows of 20 ms
    answer = heard(tmp_path)
    assert answer.size == pytest.approx(ANSWER_MS * 24, abs=24)
    spectrum = np.abs(
        np.fft.rfft(answer[2400:14_400].astype(float))
    )  # half a second: 2 Hz to a bin
    assert int(spectrum.argmax()) * 2 == ANSWER_HZ
    assert [e for e in events if e["type"] in ("error", "conversation.item.truncate")] == []


@pytest.mark.parametrize("model", ["gpt-transcribe", "whisper-1"])  # billed by tokens, and by time
async def test_what_the_server_says_it_took_is_on_the_account(tmp_path: Path, model: str) -> None:
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(answers=[f"[tone {ANSWER_MS}]"], ears=ears, watch=watch) as port:
        board = NoticeBoard()
        config = settings(tmp_path, port, "pcm")
        realtime = attrs.evolve(config.realtime, transcription_model=model)
        config = attrs.evolve(config, realtime=realtime)
        environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
        await until(board, Daemon(config, ports_from(config, environ), board=board), Moment.PLAYED)

    events = [one.event for one in watch.traffic]
    responses = [e["response"]["usage"] for e in events if e["type"] == "response.done"]
    heard = [e["usage"] for e in events if e["type"].endswith("transcription.completed")]
    usage = board.status.usage
    assert len(responses) == len(heard) == 1
    used, billed = usage.today.used, responses[0]
    assert used == usage.session.used == usage.month.used
    assert used.of(Kind.TEXT_IN) == billed["input_token_details"]["text_tokens"]
    assert used.of(Kind.AUDIO_IN) == billed["input_token_details"]["audio_tokens"] > 0
    assert used.of(Kind.TEXT_OUT) == billed["output_token_details"]["text_tokens"]
    assert used.of(Kind.AUDIO_OUT) == billed["output_token_details"]["audio_tokens"] > 0
    if model == "whisper-1":
        assert used.of(Kind.TRANSCRIPTION_MS) == round(heard[0]["seconds"] * 1000) > 0
        assert used.tokens == billed["total_tokens"]
    else:
        assert used.of(Kind.TRANSCRIPTION_OUT) == heard[0]["output_tokens"] > 0
        assert used.tokens == billed["total_tokens"] + heard[0]["total_tokens"]
    books = LedgerFile(tmp_path / "state")
    assert list(books.open().values()) == [used]
    books.close()


async def test_a_greeting_is_said_and_a_typed_question_answered(tmp_path: Path) -> None:
    watch = Watcher()
    async with serving(brain=SmallBrain(), watch=watch) as port:
        config = settings(tmp_path, port, "pcm")
        soundfile.write(tmp_path / "question.wav", np.zeros(2400, np.int16), 24_000)
        realtime = attrs.evolve(config.realtime, greeting="Good morning: come in.", context="Hi.")
        config = attrs.evolve(config, realtime=realtime)
        board = NoticeBoard()
        daemon = Daemon(config, ports_from(config, {}), board=board)
        with trio.fail_after(PATIENCE_S), board.watch() as notices:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(daemon.run)
                played = 0
                async for notice in notices:
                    if isinstance(notice, Happened) and notice.moment is Moment.PLAYED:
                        played += 1
                        if played == 2:
                            break
                        assert daemon.supervisor.ask("what is seven times six")
                daemon.supervisor.stop()

    events = [one.event for one in watch.traffic]
    done = [e["response"] for e in events if e["type"] == "response.done"]
    assert [one["output"][0]["content"][0]["transcript"] for one in done] == [
        "Good morning: come in.",
        "Seven times six is forty-two.",
    ]
    assert [event for event in events if event["type"] == "error"] == []
    assert board.status.user_words == "what is seven times six"
    assert board.status.assistant_words == "Seven times six is forty-two."


async def test_an_interruption_over_the_telephone_is_granted(tmp_path: Path) -> None:
    """The user hums again while the answer sounds; what the server is told of it, it takes."""
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(answers=["[tone 20000]"], ears=ears, watch=watch) as port:
        config = settings(tmp_path, port, "pcmu")
        hum, pause = tone(SPOKEN_MS, 300), bytes(48 * 1500)
        sound = np.frombuffer(hum + pause + hum, np.int16)
        soundfile.write(tmp_path / "question.wav", sound, 24_000, subtype="PCM_16")
        daemon = Daemon(config, ports_from(config, {}))
        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(daemon.run)
                await watch.until("conversation.item.truncated")
                daemon.supervisor.stop()

    events = [one.event for one in watch.traffic]
    (told,) = [event for event in events if event["type"] == "conversation.item.truncate"]
    assert [event for event in events if event["type"] == "error"] == []
    assert heard(tmp_path).size / 24 == pytest.approx(told["audio_end_ms"], abs=5)  # the fade's end


async def test_the_conversation_outlives_the_daemon(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(answers=[f"[tone {ANSWER_MS}]"], ears=ears, watch=watch) as port:
        config = settings(tmp_path, port, "pcm")
        config = attrs.evolve(config, privacy=attrs.evolve(config.privacy, keep_context=True))
        board = NoticeBoard()
        first = Daemon(config, ports_from(config, environ), board=board)
        await until(board, first, Moment.PLAYED)
        said = first.scribe.carry(2000)
        assert [type(item) for entry in said for item in entry.items] == [UserText, AssistantText]

        second = Daemon(config, ports_from(config, environ), board=NoticeBoard())
        await until(second.board, second, Moment.READY)
        assert [entry.items for entry in second.memory.carry(2000)] == [e.items for e in said]

    kept = tmp_path / "state" / "context.json"
    assert kept.stat().st_mode & 0o777 == 0o600


# --- secrets --------------------------------------------------------------------------------------

KEY = "sesame"


def minting(folder: Path, port: int, **auth: Any) -> Config:
    return attrs.evolve(settings(folder, port, "pcm"), auth=Auth(mode="client_secret", **auth))


async def test_a_conversation_is_held_with_a_secret_minted_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with serving(f"keys={KEY}", answers=[f"[tone {ANSWER_MS}]"]) as port:
        board = NoticeBoard()
        config = minting(tmp_path, port)
        daemon = Daemon(config, ports_from(config, {"OPENAI_API_KEY": KEY}), board=board)
        await until(board, daemon, Moment.PLAYED)

    assert "by=client_secret" in caplog.text
    assert "by=key" not in caplog.text
    assert KEY not in caplog.text
    assert "ek_" not in caplog.text
    assert heard(tmp_path).size == pytest.approx(ANSWER_MS * 24, abs=24)


async def test_each_connection_has_a_secret_of_its_own(tmp_path: Path) -> None:
    """The first ones have expired by then: were one kept, the next connection would be refused."""
    now_s = [1_795_230_000.0]
    async with serving(f"keys={KEY}", now_s=lambda: now_s[0]) as port:
        dialler = dialler_from(minting(tmp_path, port, ttl_s=10), {"OPENAI_API_KEY": KEY})
        for _ in range(3):
            with trio.fail_after(PATIENCE_S):
                async with dialler.dial() as wire:
                    assert '"session.created"' in str(await wire.receive())
            now_s[0] += 10


async def test_a_key_that_mints_nothing_is_for_a_person_to_mend(tmp_path: Path) -> None:
    async with serving(f"keys={KEY}") as port:
        config = minting(tmp_path, port)
        daemon = Daemon(config, ports_from(config, {"OPENAI_API_KEY": "wrong-key"}))
        with trio.fail_after(PATIENCE_S), pytest.raises(GaveUp) as gave_up:
            await daemon.run()
    assert "the key was refused" in str(gave_up.value)
    assert "answered HTTP 401 (invalid_api_key)" in str(gave_up.value)
    assert "wrong-key" not in str(gave_up.value)
