"""Whatever OpenAI's types let a server say is read, wholly and rightly."""

import base64
import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.realtime import objects, response_events
from voiced.realtime import server_events as heard
from voiced.realtime.codec import read
from voiced.realtime.objects import WireObject
from voiced.realtime.server_events import SERVER_EVENTS

from .strategies import SDK_EVENTS, messages


def test_every_event_openai_knows_has_a_class_of_ours() -> None:
    assert sorted(set(SDK_EVENTS) - set(SERVER_EVENTS)) == []
    assert sorted(set(SERVER_EVENTS) - set(SDK_EVENTS)) == []


def test_every_event_class_is_in_the_union() -> None:
    made = {
        cls
        for module in (heard, response_events)
        for name, cls in vars(module).items()
        if isinstance(cls, type) and not name.startswith("_") and hasattr(cls, "TYPE")
    }
    assert made == set(SERVER_EVENTS.values())


def assert_read(made: WireObject, data: dict[str, Any]) -> None:
    """Check that each field holds what the wire said, or its default if it said nothing."""
    for field in attrs.fields(type(made)):
        said = data.get(field.metadata.get("wire", field.name))
        value = getattr(made, field.name)
        if said is None:
            assert value is None or value == field.default
        elif isinstance(value, bytes):
            assert value == base64.b64decode(said)
        elif isinstance(value, WireObject):
            assert_read(value, said)
        elif isinstance(value, tuple) and value and isinstance(value[0], WireObject):
            assert len(value) == len(said)
            for one, its in zip(value, said, strict=True):
                assert_read(one, its)
        elif field.name == "voice":
            assert value == (said["id"] if isinstance(said, dict) else said)
        else:
            assert value == (tuple(said) if isinstance(said, list) else said)


@pytest.mark.parametrize("kind", sorted(SDK_EVENTS))
@given(data=st.data())
def test_an_event_of_openais_making_is_read_field_by_field(kind: str, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    event, unknown = read(message)
    assert isinstance(event, SERVER_EVENTS[kind]), event
    assert unknown == ()
    assert_read(event, json.loads(message))
    hash(event)  # facts can be kept in sets


def test_the_table_of_events_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SERVER_EVENTS["new"] = heard.Cleared  # type: ignore[index]


def test_speech_is_not_shown_by_repr() -> None:
    shown = repr(
        [
            response_events.AudioDelta(item_id="i", audio=b"RIFF"),
            response_events.AudioTranscriptDelta(item_id="i", delta="my secret"),
            heard.TranscriptionCompleted(item_id="i", transcript="my secret"),
            heard.ItemDone(item=objects.Item(content=(objects.Part(text="my secret"),))),
        ]
    )
    assert "secret" not in shown
    assert "RIFF" not in shown
