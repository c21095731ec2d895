"""The effective session: its defaults, its merge rules, and what of it this server acts upon.

Law of this file: pure. `wire` is the one truth, echoed as it is in `session.created` and
`session.updated`; the properties read it. An update has been checked by `validation` before.
"""

import copy
from typing import Any, Final

from attrs import evolve, frozen

from voiced.local import refusals
from voiced.local.sound import WireFormat
from voiced.local.turns import TurnRules
from voiced.local.wire import Json

_INSTRUCTIONS: Final = (
    "You are voiced's embedded server: a small, honest voice that runs on this machine alone."
)
# The live default of silence differs by model (500 ms documented, 200 ms seen on gpt-realtime),
# and so does the voice.
_FIRST_GENERATION: Final = ("gpt-realtime", "gpt-realtime-2025-08-28")
# What semantic_vad decides by meaning is decided by silence here: eager means short.
_EAGERNESS_SILENCE_MS: Final = {"low": 1_200, "medium": 700, "auto": 700, "high": 400}
_SEMANTIC_PREFIX_MS: Final = 300
_SEMANTIC_THRESHOLD: Final = 0.5
_ANSWERED: Final = {"create_response": True, "interrupt_response": True}


@frozen
class Settings:
    """One session's configuration at one moment."""

    wire: Json

    @property
    def transcribes_only(self) -> bool:
        """Whether this is a transcription session, which never answers."""
        return bool(self.wire["type"] == "transcription")

    @property
    def _input(self) -> Json:
        found: Json = self.wire["audio"]["input"]
        return found

    @property
    def input_format(self) -> WireFormat:
        """How the client writes audio."""
        return WireFormat(self._input["format"]["type"])

    @property
    def turn_detection(self) -> Json | None:
        """The effective VAD block, or None for push-to-talk."""
        found: Json | None = self._input["turn_detection"]
        return found

    @property
    def turn_rules(self) -> TurnRules | None:
        """When a turn begins and ends; None if the client commits."""
        match self.turn_detection:
            case None:
                return None
            case {"type": "semantic_vad", "eagerness": str(eagerness)}:
                silence_ms = _EAGERNESS_SILENCE_MS[eagerness]
                return TurnRules(_SEMANTIC_THRESHOLD, _SEMANTIC_PREFIX_MS, silence_ms)
            case vad:
                return TurnRules(
                    vad["threshold"], vad["prefix_padding_ms"], vad["silence_duration_ms"]
                )

    @property
    def creates_responses(self) -> bool:
        """Whether a turn found by VAD is answered without being asked."""
        vad = self.turn_detection or {}
        return bool(vad.get("create_response")) and not self.transcribes_only

    @property
    def interrupts_responses(self) -> bool:
        """Whether speech found by VAD cancels the answer."""
        return bool((self.turn_detection or {}).get("interrupt_response"))

    @property
    def idle_timeout_ms(self) -> int | None:
        """After how much quiet the user is spoken to."""
        found: int | None = (self.turn_detection or {}).get("idle_timeout_ms")
        return found

    @property
    def transcription(self) -> Json | None:
        """The transcription block, or None if the client wants none."""
        found: Json | None = self._input["transcription"]
        return found

    @property
    def mcp_servers(self) -> list[str]:
        """The labels of the MCP servers that are to be asked for tools."""
        tools = self.wire.get("tools", ())
        return [tool["server_label"] for tool in tools if tool["type"] == "mcp"]

    @property
    def wants_logprobs(self) -> bool:
        """Whether transcription events carry log probabilities."""
        return bool(self.wire["include"])

    def echo(self) -> Json:
        """Return the session object as it is sent."""
        return copy.deepcopy(self.wire)

    def updated(self, update: Json, *, has_spoken: bool) -> "Settings":
        """Return the settings after a ``session.update``, all of it or nothing.

        Raises:
            Refusal: something that is fixed would change.
        """
        self._refuse_fixed(update, has_spoken=has_spoken)
        new = copy.deepcopy(self.wire)
        fresh = copy.deepcopy(update)
        audio = fresh.pop("audio", {})
        new.update(fresh)
        _merge_input(new["audio"]["input"], audio.get("input", {}), self.transcribes_only)
        new["audio"].get("output", {}).update(audio.get("output", {}))
        if new["type"] == "transcription":
            _refuse_whisper_with_vad(new["audio"]["input"])
        return evolve(self, wire=new)

    def _refuse_fixed(self, update: Json, *, has_spoken: bool) -> None:
        mine = self.wire["type"]
        if update["type"] != mine:
            raise refusals.invalid(
                "session.type",
                f"Passing a {update['type']} session update event to a {mine} session is not "
                "allowed.",
            )
        if update.get("model", self.wire.get("model")) != self.wire.get("model"):
            raise refusals.invalid("session.model", "The model of a session cannot be changed.")
        voice = update.get("audio", {}).get("output", {}).get("voice")
        if has_spoken and voice is not None and voice != self.wire["audio"]["output"]["voice"]:
            raise refusals.voice_is_set()


def realtime(session_id: str, model: str, expires_at: int) -> Settings:
    """Make the defaults of a speech session, as seen in a live ``session.created``."""
    first = model in _FIRST_GENERATION
    vad = _server_vad(200 if first else 500) | _ANSWERED
    return Settings(
        {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": model,
            "output_modalities": ["audio"],
            "instructions": _INSTRUCTIONS,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": expires_at,
            "audio": {
                "input": _default_input(vad),
                "output": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "voice": "alloy" if first else "marin",
                    "speed": 1.0,
                },
            },
            "include": None,
        }
    )


def transcription(session_id: str, expires_at: int) -> Settings:
    """Make the defaults of a session that only listens."""
    return Settings(
        {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": session_id,
            "expires_at": expires_at,
            "audio": {"input": _default_input(_server_vad(500))},
            "include": None,
        }
    )


def _server_vad(silence_ms: int) -> Json:
    return {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": silence_ms,
        "idle_timeout_ms": None,
    }


def _default_input(vad: Json) -> Json:
    return {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": vad,
    }


def _merge_input(mine: Json, update: Json, transcribes_only: bool) -> None:
    """Merge the input block: objects by field, null clears, a new kind begins with its defaults."""
    defaults: dict[str, Any] = {
        "transcription": {"model": None, "language": None, "prompt": None},
        "noise_reduction": {"type": "near_field", "strength": 1.0},
    }
    for name, value in update.items():
        if value is None or name == "format":
            mine[name] = value
        elif name == "turn_detection":
            mine[name] = _merged_vad(mine[name], value, transcribes_only)
        else:
            mine[name] = {**(mine[name] or defaults[name]), **value}
    if mine["transcription"] is not None and mine["transcription"]["model"] is None:
        raise refusals.missing("session.audio.input.transcription.model")


def _merged_vad(mine: Json | None, update: Json, transcribes_only: bool) -> Json:
    if mine is not None and mine["type"] == update["type"]:
        return {**mine, **update}
    answered = {} if transcribes_only else _ANSWERED
    if update["type"] == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": "auto", **answered, **update}
    return {**_server_vad(500), **answered, **update}


def _refuse_whisper_with_vad(audio_in: Json) -> None:
    chosen = audio_in["transcription"] or {}
    if chosen.get("model") == "gpt-realtime-whisper" and audio_in["turn_detection"] is not None:
        raise refusals.invalid(
            "session.audio.input.turn_detection",
            "Model 'gpt-realtime-whisper' needs 'turn_detection' to be null in a transcription "
            "session.",
        )
