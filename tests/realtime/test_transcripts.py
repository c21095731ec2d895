"""Whole conversations, after event orders seen on the live wire or documented, replayed.

Each line of a transcript is a sentence of one party. Ours are made anew as events, sent, and must
read the same; the server's are received. One that is to be skipped says why.
"""

import base64
import collections
import json
import pathlib
from typing import Any

import attrs
import pytest

from voiced.realtime import client_events as say
from voiced.realtime import response_events as gen
from voiced.realtime import server_events as heard
from voiced.realtime.codec import Skipped
from voiced.realtime.session import Session, State
from voiced.realtime.settings import (
    KEEP,
    AudioFormat,
    FunctionTool,
    SemanticVad,
    ServerVad,
    Transcription,
)

TRANSCRIPTS = pathlib.Path(__file__).parent / "transcripts"


@attrs.frozen(kw_only=True)
class Outcome:
    state: State = State.LISTENING
    active: str | None = None
    turn_detection: str | None = "server_vad"
    sound_ms: int
    """Milliseconds of the model's sound, by item."""
    responses: tuple[str, ...]
    """How each response ended, in order."""
    refusals: tuple[str, ...] = ()
    unknown: dict[str, int] = attrs.field(factory=dict)


OUTCOMES = {
    "server_vad_turn": Outcome(sound_ms=40, responses=("completed",)),
    "push_to_talk_turn": Outcome(
        turn_detection="manual",
        sound_ms=20,
        responses=("completed",),
        refusals=("input_audio_buffer_commit_empty",),
    ),
    "barge_in_while_generating": Outcome(sound_ms=60, responses=("cancelled", "completed")),
    "barge_in_after_done": Outcome(
        turn_detection="semantic_vad", sound_ms=65, responses=("completed", "cancelled")
    ),
    "function_call": Outcome(sound_ms=25, responses=("completed", "completed")),
    "two_items_in_one_response": Outcome(sound_ms=20, responses=("completed",)),
    "expiry": Outcome(
        state=State.RESPONDING,
        active="resp_box_1",
        sound_ms=10,
        responses=(),
        refusals=("session_expired",),
    ),
    "bad_key": Outcome(
        state=State.OPENING,
        turn_detection=None,
        sound_ms=0,
        responses=(),
        refusals=("invalid_api_key",),
    ),
    "azure_extra_fields": Outcome(
        sound_ms=10,
        responses=("completed",),
        unknown={
            "session.updated session.deployment_region": 1,
            "response.content_part.added content": 1,
            "response.content_part.done content": 1,
        },
    ),
    "unknown_events": Outcome(sound_ms=0, responses=("completed",)),
    "out_of_band": Outcome(
        state=State.RESPONDING, active="resp_alder_1", sound_ms=20, responses=("completed",)
    ),
}


def order(sentence: dict[str, Any]) -> say.ClientEvent:
    """Make the event that a sentence of ours was written from."""
    rest = {name: value for name, value in sentence.items() if name != "type"}
    match sentence["type"]:
        case "session.update":
            return say.Configure(event_id=rest.get("event_id"), **configuration(rest["session"]))
        case "input_audio_buffer.append":
            return say.Append(base64.b64decode(rest["audio"]))
        case "conversation.item.create":
            item = rest["item"]
            made = say.FunctionCallOutput(item["call_id"], item["output"])
            return say.CreateItem(made, item_id=item["id"])
        case "response.create":
            asked = rest.get("response", {})
            modality = asked.pop("output_modalities", [None])[0]
            return say.CreateResponse(
                event_id=rest.get("event_id"), output_modality=modality, **asked
            )
        case kind:
            simple: dict[str, type[Any]] = {
                cls.TYPE: cls for cls in (say.Commit, say.Clear, say.Truncate, say.CancelResponse)
            }
            made_of_fields: say.ClientEvent = simple[kind](**rest)
            return made_of_fields


def configuration(session: dict[str, Any]) -> dict[str, Any]:
    sound_in, sound_out = session["audio"]["input"], session["audio"]["output"]
    detection = sound_in["turn_detection"]
    if detection is not None:
        detectors: dict[str, type[Any]] = {"server_vad": ServerVad, "semantic_vad": SemanticVad}
        detection = detectors[detection.pop("type")](**detection)
    heard_as = sound_in.get("transcription")
    return {
        "output_modality": session["output_modalities"][0],
        "instructions": session["instructions"],
        "input_format": AudioFormat(sound_in["format"]["type"]),
        "output_format": AudioFormat(sound_out["format"]["type"]),
        "turn_detection": detection,
        "transcription": Transcription(**heard_as) if heard_as else KEEP,
        "voice": sound_out["voice"],
        "tools": tuple(
            FunctionTool(tool["name"], tool["description"], json.dumps(tool["parameters"]))
            for tool in session["tools"]
        )
        if "tools" in session
        else None,
    }


def test_every_transcript_has_an_outcome() -> None:
    assert {path.stem for path in TRANSCRIPTS.glob("*.jsonl")} == set(OUTCOMES)


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_a_conversation_ends_as_it_should(name: str) -> None:
    session = Session()
    events: list[heard.ServerEvent] = []
    skipped: collections.Counter[str] = collections.Counter()
    for text in (TRANSCRIPTS / f"{name}.jsonl").read_text("utf-8").splitlines():
        line = json.loads(text)
        sentence = line["event"]
        if line["from"] == "client":
            assert json.loads(session.send(order(json.loads(text)["event"]))) == sentence
            continue
        event = session.receive(json.dumps(sentence))
        if isinstance(event, Skipped):
            assert event.reason.value == line.get("skipped"), (event, sentence)
            skipped[f"{event.reason.value} {event.type}"] += 1
        else:
            assert "skipped" not in line
            assert sentence["type"] == event.TYPE
            events.append(event)

    assert session.skipped == skipped
    assert OUTCOMES[name] == Outcome(
        state=session.state,
        active=session.active_response_id,
        turn_detection=session.turn_detection,
        sound_ms=sum(len(e.audio) for e in events if isinstance(e, gen.AudioDelta)) // 48,
        responses=tuple(e.response.status for e in events if isinstance(e, gen.ResponseDone)),
        refusals=tuple(e.error.code or "" for e in events if isinstance(e, heard.Refused)),
        unknown=dict(session.unknown_fields),
    )
    session.end()
    assert session.state is State.ENDED
