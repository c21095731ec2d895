"""By which terms one response is made: the session's settings, and what the request overrides.

Law of this file: pure facts; the empty face of a response is built here too.
"""

from attrs import frozen

from voiced.local.settings import Settings
from voiced.local.sound import WireFormat
from voiced.local.wire import Json


@frozen
class Terms:
    """What one response looks like."""

    output_modalities: list[str]
    format: Json
    voice: str | Json
    speed: float
    max_output_tokens: int | str
    tools: list[Json]
    tool_choice: str | Json
    metadata: Json | None
    instructions: str
    """Those of the request alone; the session's are for a model to understand."""

    @property
    def aloud(self) -> bool:
        """Whether the answer is spoken."""
        return self.output_modalities == ["audio"]

    @property
    def wire_format(self) -> WireFormat:
        """How the sound is written."""
        return WireFormat(self.format["type"])

    def face(self, response_id: str, conversation_id: str | None) -> Json:
        """Return the response object as it begins: every key is always present."""
        return {
            "object": "realtime.response",
            "id": response_id,
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": conversation_id,
            "output_modalities": self.output_modalities,
            "max_output_tokens": self.max_output_tokens,
            "audio": {"output": {"format": self.format, "voice": self.voice}},
            "usage": None,
            "metadata": self.metadata,
        }


def terms(settings: Settings, overrides: Json) -> Terms:
    """Read the terms of a response."""
    session = settings.wire
    output = session["audio"]["output"] | overrides.get("audio", {}).get("output", {})
    chosen = session | overrides
    return Terms(
        output_modalities=chosen["output_modalities"],
        format=output["format"],
        voice=output["voice"],
        speed=output["speed"],
        max_output_tokens=chosen["max_output_tokens"],
        tools=chosen["tools"],
        tool_choice=chosen["tool_choice"],
        metadata=overrides.get("metadata"),
        instructions=overrides.get("instructions") or "",
    )
