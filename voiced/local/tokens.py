"""What a response would have cost, in the service's units.

Law of this file: estimates for the `usage` field, deterministic and of the right order; nobody is
billed. One token per 100 ms of the user's audio (seen on the live wire), one per 50 ms of the
model's (documented), one per four characters of text (rule of thumb).
"""

from typing import Final

from voiced.local.wire import Json

USER_AUDIO_MS: Final = 100
MODEL_AUDIO_MS: Final = 50
_CHARACTERS: Final = 4


def text(characters: int) -> int:
    """Count the tokens of text."""
    return -(-characters // _CHARACTERS)


def usage(*, text_in: int, audio_in: int, text_out: int, audio_out: int) -> Json:
    """Write the usage object of ``response.done``."""
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


def transcription_usage(model: str, audio_ms: int, characters: int) -> Json:
    """Write the usage object of a finished transcription."""
    if model.startswith("whisper"):
        return {"type": "duration", "seconds": round(audio_ms / 1000, 2)}
    heard = -(-audio_ms // USER_AUDIO_MS)
    said = text(characters)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "output_tokens": said,
        "total_tokens": heard + said,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }
