"""What of the wire is written down: no sound unless it is wanted, and never a secret."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import KEY, MARK, MINTED, OPAQUE
from voiced.logbook.masking import Masks
from voiced.logbook.record import MOST_CHARS, told

_SOUND = base64.b64encode(bytes(960)).decode()


def kept(event: Any, *, with_audio: bool = False) -> Any:
    return told(json.dumps(event), Masks().hide, with_audio=with_audio)["event"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "input_audio_buffer.append", "audio": _SOUND},
        {"type": "response.output_audio.delta", "item_id": "item_1", "delta": _SOUND},
        {"type": "conversation.item.retrieved", "item": {"content": [{"type": "input_audio", "audio": _SOUND}]}},
    ],
)  # fmt: skip
def test_sound_is_told_by_its_length_unless_it_is_wanted(event: Any) -> None:
    text = json.dumps(kept(event))
    assert "[960 bytes]" in text
    assert _SOUND not in text
    assert kept(event, with_audio=True) == event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_audio_transcript.delta", "delta": "a long word " * 20},
        {"type": "session.update", "session": {"output_modalities": ["audio"], "audio": {"input": {"format": {"rate": 24000}}}}},
        {"type": "response.done", "response": {"usage": {"input_token_details": {"audio_tokens": 7}}}},
        {"type": "x", "nested": [[None, True, 1.5, {"": []}]]},
    ],
)  # fmt: skip
def test_all_else_is_kept_as_it_is(event: Any) -> None:
    assert kept(event) == event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.created", "session": {"client_secret": {"value": MINTED, "expires_at": 1}}},
        {"type": "session.update", "session": {"tools": [{"type": "mcp", "authorization": OPAQUE, "headers": {"X": OPAQUE}}]}},
        {"type": "error", "error": {"message": f"Incorrect API key provided: {KEY}"}},
        {"type": "error", KEY: 1},
    ],
)  # fmt: skip
def test_secrets_are_not(event: Any) -> None:
    for with_audio in (False, True):
        assert MARK not in json.dumps(kept(event, with_audio=with_audio))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"\0\1", {"binary_bytes": 2}),
        ("nonsense", {"no_json_chars": 8}),
        ("[1]", {"no_event_chars": 3}),
        ("[" * 100_000, {"no_json_chars": 100_000}),
        ("x" * (MOST_CHARS + 1), {"long_chars": MOST_CHARS + 1}),
    ],
)
def test_what_is_no_event_is_told_by_its_length(message: str | bytes, said: object) -> None:
    assert told(message, Masks().hide, with_audio=False) == said


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))  # fmt: skip
def test_whatever_comes_can_be_written(thing: Any) -> None:
    json.dumps(told(json.dumps({"type": "x", "y": thing}), Masks().hide, with_audio=False))
