"""What hypothesis draws from: all that we can say, and all that OpenAI's types let a server say."""

import json
import types
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent

from voiced.realtime import client_events as say
from voiced.realtime.settings import (
    KEEP,
    AudioFormat,
    CustomVoice,
    FunctionChoice,
    FunctionTool,
    SemanticVad,
    ServerVad,
    Transcription,
)

# --- what we say ------------------------------------------------------------------------------

texts = st.text(max_size=20)
names = st.text(min_size=1, max_size=20)
ids = st.none() | st.text("abc_019", min_size=1, max_size=32)
flags = st.booleans()
milliseconds = st.integers(0, 10**7)
modalities = st.sampled_from([None, "audio", "text"])
formats = st.none() | st.sampled_from(AudioFormat)

server_vads = st.builds(
    ServerVad,
    threshold=st.floats(0, 1),
    prefix_padding_ms=milliseconds,
    silence_duration_ms=milliseconds,
    idle_timeout_ms=st.none() | st.integers(5000, 30_000),
    create_response=flags,
    interrupt_response=flags,
)
semantic_vads = st.builds(
    SemanticVad,
    eagerness=st.sampled_from(["low", "medium", "high", "auto"]),
    create_response=flags,
    interrupt_response=flags,
)
tools = st.builds(
    FunctionTool,
    name=names,
    description=texts,
    parameters=st.sampled_from(['{"type":"object"}', '{"type":"object","properties":{}}']),
)
configures = st.builds(
    say.Configure,
    event_id=ids,
    output_modality=modalities,
    instructions=st.none() | texts,
    input_format=formats,
    output_format=formats,
    turn_detection=st.sampled_from([KEEP, None]) | server_vads | semantic_vads,
    transcription=st.sampled_from([KEEP, None])
    | st.builds(Transcription, model=names, language=st.none() | names, prompt=st.none() | texts),
    noise_reduction=st.sampled_from([KEEP, None, "near_field", "far_field"]),
    voice=st.none() | names | st.builds(CustomVoice, names),
    speed=st.none() | st.floats(0.25, 1.5),
    tools=st.none() | st.lists(tools, max_size=2).map(tuple),
    tool_choice=st.sampled_from([None, "none", "auto", "required"])
    | st.builds(FunctionChoice, names),
    max_output_tokens=st.none() | st.just("inf") | st.integers(1, 4096),
)
items = st.one_of(
    st.builds(say.UserText, texts),
    st.builds(say.AssistantText, texts),
    st.builds(say.SystemText, texts),
    st.builds(say.FunctionCall, names, names, texts),
    st.builds(say.FunctionCallOutput, names, texts),
)
create_responses = st.builds(
    say.CreateResponse,
    event_id=ids,
    instructions=st.none() | texts,
    output_modality=modalities,
    conversation=st.sampled_from([None, "auto", "none"]),
    without_context=flags,
    metadata=st.none() | st.dictionaries(names, texts, max_size=16),
)
BY_CLASS: dict[type, st.SearchStrategy[say.ClientEvent]] = {
    say.Configure: configures,
    say.Append: st.builds(say.Append, st.binary(min_size=1, max_size=40), event_id=ids),
    say.Commit: st.builds(say.Commit, forced=flags, event_id=ids),
    say.Clear: st.builds(say.Clear, event_id=ids),
    say.CreateItem: st.builds(
        say.CreateItem, items, item_id=ids, previous_item_id=ids, event_id=ids
    ),
    say.RetrieveItem: st.builds(say.RetrieveItem, names, event_id=ids),
    say.DeleteItem: st.builds(say.DeleteItem, names, event_id=ids),
    say.Truncate: st.builds(say.Truncate, names, milliseconds, st.integers(0, 9), event_id=ids),
    say.CreateResponse: create_responses,
    say.CancelResponse: st.builds(say.CancelResponse, ids, event_id=ids),
}
assert set(BY_CLASS) == set(get_args(say.ClientEvent))
client_events = st.one_of(*BY_CLASS.values())

# --- what the server may say ------------------------------------------------------------------


def _members(union: Any) -> tuple[Any, ...]:
    """Take a union of OpenAI's apart, whatever it is wrapped in."""
    if get_origin(union) is Annotated:
        union = get_args(union)[0]
    return get_args(union)


SDK_EVENTS: dict[str, type[pydantic.BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in _members(RealtimeServerEvent)
}


@cache
def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Draw JSON values that one of OpenAI's annotations admits."""
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.sampled_from(["AAAA", "UklG", ""]),  # base64 all of them, for those that must be
        int: st.integers(0, 2**40),
        float: st.floats(0, 1e6),
        bool: st.booleans(),
        object: st.just({"type": "object"}),
        type(None): st.none(),
    }
    if annotation in simple:
        return simple[annotation]
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return objects(annotation)
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(inside[0])
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, inside))
    if origin is Literal:
        return st.sampled_from(inside)
    if origin is list:
        return st.lists(values(inside[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(st.sampled_from(["one", "two"]), values(inside[1]))
    raise TypeError(f"teach me {annotation}")


@cache
def objects(model: type[pydantic.BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw JSON objects for one of OpenAI's models: what may be left out sometimes is."""
    annotations: dict[str, Any] = {n: f.annotation for n, f in model.model_fields.items()}
    drawn = {name: values(annotation) for name, annotation in annotations.items()}
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    return st.fixed_dictionaries(
        {name: drawn[name] for name in drawn if name in needed},
        optional={name: drawn[name] for name in drawn if name not in needed},
    )


@cache
def messages(kind: str) -> st.SearchStrategy[str]:
    """Draw messages of one type that OpenAI's own model has accepted and written."""
    model = SDK_EVENTS[kind]

    def written(drawn: dict[str, Any]) -> str:
        return model.model_validate_json(json.dumps(drawn)).model_dump_json(exclude_unset=True)

    return objects(model).map(written)
