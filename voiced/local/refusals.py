"""Every sentence with which this server refuses a client's event, and its code.

Law of this file: one function per refusal, with the wording seen on the live wire where it is
known; no decision when to refuse. Expected on the wire is
``{"type": "error", "error": {type, code, message, param, event_id}}``.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from voiced.local.wire import Json

INVALID_REQUEST: Final = "invalid_request_error"
SESSION_OVER: Final = "Your session hit the maximum duration of {minutes} minutes."


class Refusal(Exception):
    """A client's event that is not carried out."""

    def __init__(
        self,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        kind: str = INVALID_REQUEST,
    ) -> None:
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind
        super().__init__(message)

    def error(self, event_id: str | None) -> Json:
        """Return the inner object of an ``error`` event that blames *event_id*."""
        return {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id,
        }


_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS[type(value)]


def listed(values: Iterable[str]) -> str:
    """Write values as a sentence does: ``'a', 'b' and 'c'``."""
    quoted = [f"'{value}'" for value in values]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


# --- parsing ------------------------------------------------------------------------------------


def unreadable_json() -> Refusal:
    """The text frame holds no JSON."""
    return Refusal("invalid_json", "Could not parse the event: it is not valid JSON.")


def not_an_event(why: str) -> Refusal:
    """The frame is binary, or holds no object with a type."""
    return Refusal("invalid_event", f"Invalid event: {why}")


def unknown_event(name: str, supported: Iterable[str]) -> Refusal:
    """No event has this name; the live server lists those that exist."""
    return Refusal(
        "invalid_value",
        f"Invalid value: '{name}'. Supported values are: {listed(supported)}.",
        param="type",
    )


def unknown_parameter(path: str) -> Refusal:
    """A field that does not exist; the whole event is lost with it."""
    return Refusal("unknown_parameter", f"Unknown parameter: '{path}'.", param=path)


def missing(path: str) -> Refusal:
    """A field that must be there."""
    return Refusal(
        "missing_required_parameter", f"Missing required parameter: '{path}'.", param=path
    )


def invalid_choice(path: str, value: object, supported: Iterable[str]) -> Refusal:
    """A value outside an enumeration."""
    return Refusal(
        "invalid_value",
        f"Invalid value: '{value}'. Supported values are: {listed(supported)}.",
        param=path,
    )


def invalid_type(path: str, expected: str, got: object) -> Refusal:
    """A value of the wrong kind."""
    return Refusal(
        "invalid_value",
        f"Invalid type for '{path}': expected {expected}, but got {_kind(got)} instead.",
        param=path,
    )


def out_of_range(path: str, expected: str, got: object) -> Refusal:
    """A number, a length or a count beyond its bounds."""
    return Refusal(
        "invalid_value", f"Invalid '{path}': expected {expected}, but got {got}.", param=path
    )


def invalid(path: str | None, message: str) -> Refusal:
    """Anything else that is wrong with a value."""
    return Refusal("invalid_value", message, param=path)


# --- audio in -----------------------------------------------------------------------------------


def bad_audio(path: str) -> Refusal:
    """Not base64, or half a sample; wording seen on the live wire."""
    return Refusal(
        "invalid_value",
        f"Invalid '{path}'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an "
        "invalid value.",
        param=path,
    )


def audio_too_long(limit_bytes: int) -> Refusal:
    """More than one append may carry (15 MiB by the API reference)."""
    return Refusal(
        "invalid_value",
        f"Invalid 'audio'. Expected at most {limit_bytes} bytes of audio in one event.",
        param="audio",
    )


def commit_too_small(buffered_ms: float) -> Refusal:
    """Less than 100 ms; wording seen on the live wire."""
    return Refusal(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of "
        f"audio, but buffer only has {buffered_ms:.2f}ms of audio.",
    )


# --- the conversation ---------------------------------------------------------------------------


def no_such_item(verb: str, item_id: str) -> Refusal:
    """An unknown id; *verb* is ``truncate``, ``delete`` or ``retrieve``."""
    doing = {"truncate": "truncating", "delete": "deleting", "retrieve": "retrieving"}[verb]
    return Refusal(
        f"item_{verb}_invalid_item_id",
        f"Error {doing} item: the item with id '{item_id}' does not exist.",
        param="item_id",
    )


def duplicate_item(item_id: str) -> Refusal:
    """A client chose an id that is taken."""
    return Refusal(
        "item_create_duplicate_item_id",
        f"Error adding item: an item with id '{item_id}' already exists.",
        param="item.id",
    )


def no_such_previous_item(item_id: str) -> Refusal:
    """The item to insert after does not exist; nothing is added."""
    return invalid(
        "previous_item_id",
        f"Error adding item: the previous item with id '{item_id}' does not exist.",
    )


def only_model_audio() -> Refusal:
    """Truncation of anything but the model's own speech."""
    return Refusal("unsupported_content_type", "Only model output audio messages can be truncated")


def already_shorter(stored_ms: int, asked_ms: int) -> Refusal:
    """Truncation beyond what was generated; the code is null on the live wire."""
    return Refusal(None, f"Audio content of {stored_ms}ms is already shorter than {asked_ms}ms")


# --- responses ----------------------------------------------------------------------------------


def already_responding(response_id: str) -> Refusal:
    """One default-conversation response at a time."""
    return Refusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. Wait until "
        "the response is finished before creating a new one.",
    )


def nothing_to_cancel() -> Refusal:
    """Benign: the answer was over already."""
    return Refusal("response_cancel_not_active", "Cancellation failed: no active response found")


def too_many_responses(limit: int) -> Refusal:
    """Out-of-band responses are bounded here; the real bound is not documented."""
    return Refusal(
        "rate_limit_exceeded", f"At most {limit} out-of-band responses may run at a time."
    )


def no_responses_here() -> Refusal:
    """A transcription session only listens."""
    return invalid("type", "A transcription session does not create responses.")


# --- the session --------------------------------------------------------------------------------


def voice_is_set() -> Refusal:
    """The voice cannot change once it has been heard."""
    return Refusal(
        "cannot_update_voice",
        "Cannot update a conversation's voice if assistant audio is present.",
    )


def session_expired(minutes: int) -> Refusal:
    """The end of every session; the socket closes with 1001."""
    return Refusal("session_expired", SESSION_OVER.format(minutes=minutes))


def server_error(session_id: str) -> Refusal:
    """The service's generic fault."""
    return Refusal(
        "server_error",
        "The server had an error while processing your request. Sorry about that! Please retry, "
        f"and include the session ID if the error persists: {session_id}.",
        kind="server_error",
    )


def quota_exceeded() -> Refusal:
    """No credit: nothing a client can mend."""
    return Refusal(
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        kind="insufficient_quota",
    )


def rate_limited() -> Refusal:
    """Throttled: later is better."""
    return Refusal(
        "rate_limit_exceeded",
        "Rate limit reached for tokens per min. Please try again later.",
        kind="rate_limit_exceeded",
    )


# --- the door -----------------------------------------------------------------------------------


def bad_key(why: str = "Incorrect API key provided.") -> Refusal:
    """The socket opens all the same; it is closed with 3000 afterwards."""
    return Refusal("invalid_api_key", why)


def beta_is_over() -> Refusal:
    """Someone still sends ``OpenAI-Beta: realtime=v1``."""
    return Refusal(
        "beta_api_shape_disabled",
        "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
    )


def no_model() -> Refusal:
    """None of the three query keys."""
    return Refusal("missing_model", "You must provide a model parameter.", param="model")


def bad_model(model: str) -> Refusal:
    """A model this server does not know."""
    return Refusal(
        "invalid_model", f"Model '{model}' is not supported in realtime mode.", param="model"
    )
