"""What a session can be told to be: the parts of a `Configure`.

Law of this file: frozen values, checked when made (TypeError, ValueError); None and defaults mean
what each class says. Settings of the protocol, that is: where they come from is not its business.
"""

import enum
from typing import Final, Literal

from attrs import field, frozen

from voiced.realtime.checks import FLAG, NAME, json_object, maybe, number, one_of, text, whole


class Unchanged(enum.Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Unchanged.KEEP
"""Leave a setting as it is, where None means: turn it off."""

Modality = Literal["audio", "text"]
Distance = Literal["near_field", "far_field"]
Eagerness = Literal["low", "medium", "high", "auto"]


class AudioFormat(enum.Enum):
    """How sound is written: 16-bit little-endian mono at 24 kHz, or G.711 at 8 kHz.

    No other rate is accepted (documented).
    """

    PCM = "audio/pcm"
    PCMU = "audio/pcmu"
    PCMA = "audio/pcma"


@frozen(kw_only=True)
class ServerVad:
    """A turn ends with silence. All is sent, for defaults differ by model (seen on the live wire).

    `threshold` is 0 to 1; `idle_timeout_ms` 5000 to 30000, or None for never (documented).
    """

    threshold: float = field(default=0.5, validator=number(0, 1))
    prefix_padding_ms: int = field(default=300, validator=whole(0))
    silence_duration_ms: int = field(default=500, validator=whole(0))
    idle_timeout_ms: int | None = field(default=None, validator=maybe(whole(5000, 30_000)))
    create_response: bool = field(default=True, validator=FLAG)
    interrupt_response: bool = field(default=True, validator=FLAG)


@frozen(kw_only=True)
class SemanticVad:
    """A turn ends with the thought, after at most 8, 4 or 2 s for low, medium and high; auto is
    medium (documented). Fields of `ServerVad` would be refused (reported), so it has none.
    """

    eagerness: Eagerness = field(default="auto", validator=one_of("low", "medium", "high", "auto"))
    create_response: bool = field(default=True, validator=FLAG)
    interrupt_response: bool = field(default=True, validator=FLAG)


@frozen
class Transcription:
    """Write down the user's words; `language` is ISO-639-1 (documented).

    On Azure `model` is the name of your deployment (documented). What is None is not sent.
    """

    model: str = field(validator=NAME)
    language: str | None = field(default=None, validator=maybe(NAME))
    prompt: str | None = field(default=None, validator=maybe(text()))


@frozen
class CustomVoice:
    """A voice of the owner's making, by its id (documented)."""

    id: str = field(validator=NAME)


@frozen
class FunctionTool:
    """A function the model may call; `parameters` is the text of a JSON Schema object."""

    name: str = field(validator=NAME)
    description: str = field(default="", validator=text())
    parameters: str = field(default='{"type":"object"}', validator=[text(), json_object])


@frozen
class FunctionChoice:
    """The model must call this function."""

    name: str = field(validator=NAME)
