"""The session as a client may describe it: formats, turn detection, tools, and the rest.

Law of this file: tables of shapes (see `shapes`), with the bounds of the API reference; what is
shared with `response.create` is in `ANSWERING`.
"""

from collections.abc import Mapping
from typing import Any, Final

from voiced.local import refusals
from voiced.local.shapes import (
    Check,
    anything,
    at,
    choice,
    exactly,
    flag,
    many,
    mapping,
    nullable,
    number,
    pairs,
    record,
    tagged,
    text,
    whole,
    words_or,
)

VOICES: Final = (
    *("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"),
)
_TYPE: Final[Mapping[str, Check]] = {"type": anything}  # the tag was checked on the way here


def typed(needed: Mapping[str, Check], free: Mapping[str, Check] | None = None) -> Check:
    """Accept a variant of a tagged shape."""
    return record({**_TYPE, **needed}, free)


# --- audio --------------------------------------------------------------------------------------

FORMAT: Final = tagged(
    "type",
    {
        "audio/pcm": typed({"rate": exactly(24_000)}),  # required on the live wire
        "audio/pcmu": typed({}),
        "audio/pcma": typed({}),
    },
)
_BOTH_VADS: Final = {"create_response": flag, "interrupt_response": flag}
_TURN_DETECTION: Final = nullable(
    tagged(
        "type",
        {
            "server_vad": typed(
                {},
                {
                    **_BOTH_VADS,
                    "threshold": number(0.0, 1.0),
                    "prefix_padding_ms": whole(0),
                    "silence_duration_ms": whole(0),
                    "idle_timeout_ms": nullable(whole(5_000, 30_000)),
                },
            ),
            "semantic_vad": typed(
                {}, {**_BOTH_VADS, "eagerness": choice("low", "medium", "high", "auto")}
            ),
        },
    )
)
_WHISPER: Final = "gpt-realtime-whisper"
_KEYWORD_MODELS: Final = ("gpt-transcribe", "gpt-live-transcribe")
_NO_PROMPT: Final = (_WHISPER, "gpt-4o-transcribe-diarize")
_EFFORTS: Final = ("minimal", "low", "medium", "high", "xhigh")
_TRANSCRIPTION_FIELDS: Final = record(
    {},
    {
        "model": text(),
        "language": nullable(text()),
        "prompt": nullable(text()),
        "languages": nullable(many(text())),
        "keywords": nullable(many(text())),
        "delay": nullable(choice(*_EFFORTS)),
    },
)


def _transcription(value: Any, path: str) -> None:
    """Accept what the named model takes; a name that is not OpenAI's may take everything."""
    if value is None:
        return
    _TRANSCRIPTION_FIELDS(value, path)
    model = value.get("model", "")
    ours = model.startswith(("gpt-", "whisper-"))
    refused = {
        "delay": ours and model != _WHISPER,
        "prompt": model in _NO_PROMPT,
        "languages": ours and model not in _KEYWORD_MODELS,
        "keywords": ours and model not in _KEYWORD_MODELS,
    }
    for name, is_refused in refused.items():
        if is_refused and value.get(name) is not None:
            raise refusals.invalid(at(path, name), f"Model '{model}' takes no '{name}'.")


_NOISE_REDUCTION: Final = nullable(
    record({}, {"type": choice("near_field", "far_field"), "strength": number(0.0, 1.0)})
)
_INPUT: Final = record(
    {},
    {
        "format": FORMAT,
        "noise_reduction": _NOISE_REDUCTION,
        "transcription": _transcription,
        "turn_detection": _TURN_DETECTION,
    },
)
VOICE: Final = words_or(VOICES, record({"id": text(pattern=r"voice_.+")}))

# --- tools --------------------------------------------------------------------------------------

_TOOL_NAME: Final = text(pattern=r"[a-zA-Z0-9_.-]{1,64}")
_ALLOWED: Final = record({}, {"tool_names": many(text()), "read_only": flag})
_MCP_FIELDS: Final = typed(
    {"server_label": text()},
    {
        "server_url": text(),
        "connector_id": text(),
        "tunnel_id": text(),
        "authorization": text(),
        "headers": nullable(pairs(text(), text(), 64)),
        "allowed_tools": nullable(
            lambda value, path: (many(text()) if isinstance(value, list) else _ALLOWED)(value, path)
        ),
        "require_approval": nullable(
            words_or(("always", "never"), record({}, {"always": _ALLOWED, "never": _ALLOWED}))
        ),
        "server_description": text(),
        "defer_loading": flag,
        "allowed_callers": nullable(many(choice("direct", "programmatic"))),
    },
)


def _mcp(value: Any, path: str) -> None:
    """Accept an MCP server that can be found in one of three ways."""
    _MCP_FIELDS(value, path)
    if not {"server_url", "connector_id", "tunnel_id"} & value.keys():
        raise refusals.missing(at(path, "server_url"))


_FUNCTION: Final = typed({"name": _TOOL_NAME}, {"description": text(), "parameters": mapping})
_TOOLS: Final = many(tagged("type", {"function": _FUNCTION, "mcp": _mcp}), most=128)
_TOOL_CHOICE: Final = words_or(
    ("none", "auto", "required"),
    tagged(
        "type",
        {
            "function": typed({"name": _TOOL_NAME}),
            "mcp": typed({"server_label": text()}, {"name": nullable(text())}),
        },
    ),
)

# --- the session --------------------------------------------------------------------------------


def _modalities(value: Any, path: str) -> None:
    """Accept audio or text: both at once is impossible."""
    if value not in (["audio"], ["text"]):
        raise refusals.invalid(
            path,
            f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio'].",
        )


_MAX_TOKENS: Final = words_or(("inf",), whole(1, 4_096))
_PROMPT: Final = nullable(
    record({"id": text()}, {"version": nullable(text()), "variables": nullable(mapping)})
)
_REASONING: Final = record({}, {"effort": choice(*_EFFORTS)})
_LIMITS: Final = record({}, {"post_instructions": whole(0)})
_TRUNCATION: Final = words_or(
    ("auto", "disabled"),
    tagged(
        "type",
        {
            "retention_ratio": typed(
                {"retention_ratio": number(0.0, 1.0)}, {"token_limits": _LIMITS}
            )
        },
    ),
)
_TRACING: Final = nullable(
    words_or(
        ("auto",),
        record({}, {"workflow_name": text(), "group_id": text(), "metadata": mapping}),
    )
)
_INCLUDE: Final = nullable(many(choice("item.input_audio_transcription.logprobs")))
ANSWERING: Final[Mapping[str, Check]] = {  # what session.update and response.create share
    "instructions": text(),
    "max_output_tokens": _MAX_TOKENS,
    "output_modalities": _modalities,
    "parallel_tool_calls": flag,
    "prompt": _PROMPT,
    "reasoning": _REASONING,
    "tool_choice": _TOOL_CHOICE,
    "tools": _TOOLS,
}
SESSION: Final = tagged(
    "type",
    {
        "realtime": typed(
            {},
            {
                **ANSWERING,
                "model": text(),
                "include": _INCLUDE,
                "tracing": _TRACING,
                "truncation": _TRUNCATION,
                "audio": record(
                    {},
                    {
                        "input": _INPUT,
                        "output": record(
                            {},
                            {"format": FORMAT, "voice": VOICE, "speed": number(0.25, 1.5)},
                        ),
                    },
                ),
            },
        ),
        "transcription": typed({}, {"include": _INCLUDE, "audio": record({}, {"input": _INPUT})}),
    },
)
