"""What was used: tokens by kind, and milliseconds of speech written down; whole numbers, which add up.

Law of this file: from the service's usage objects to our own kinds, and sums of these. Each token is of
one kind only, so that a price for each kind is the whole bill.
"""

import enum
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from voiced.realtime.objects import Usage


class Kind(enum.Enum):
    """What is billed at a price of its own."""

    TEXT_IN = "text_in"
    CACHED_TEXT_IN = "cached_text_in"
    AUDIO_IN = "audio_in"
    CACHED_AUDIO_IN = "cached_audio_in"
    IMAGE_IN = "image_in"
    CACHED_IMAGE_IN = "cached_image_in"
    TEXT_OUT = "text_out"
    AUDIO_OUT = "audio_out"
    TRANSCRIPTION_TEXT_IN = "transcription_text_in"
    TRANSCRIPTION_AUDIO_IN = "transcription_audio_in"
    TRANSCRIPTION_OUT = "transcription_out"
    TRANSCRIPTION_MS = (
        "transcription_ms"  # of models that are billed by time; all others are tokens
    )


TOKENS: Final = tuple(kind for kind in Kind if kind is not Kind.TRANSCRIPTION_MS)


def _counts(given: Mapping[Kind, int]) -> Mapping[Kind, int]:
    return {kind: given[kind] for kind in Kind if given.get(kind, 0) > 0}


@frozen
class Used:
    """How much of each kind; what is not named is none. No number is negative, whoever told it."""

    counts: Mapping[Kind, int] = field(factory=dict, converter=_counts, hash=False)

    def __add__(self, other: "Used") -> "Used":
        return Used({kind: self.of(kind) + other.of(kind) for kind in Kind})

    def __bool__(self) -> bool:
        return bool(self.counts)

    def of(self, kind: Kind) -> int:
        """How much of one kind."""
        return self.counts.get(kind, 0)

    @property
    def tokens(self) -> int:
        """All tokens, in and out, of both models."""
        return sum(self.of(kind) for kind in TOKENS)


def of_response(usage: Usage) -> Used:
    """What a response took.

    Tokens that the details do not sort count as sound, and as not cached: the dearest, so that a budget
    errs on the safe side.
    """
    given, made = usage.input_token_details, usage.output_token_details
    cached = given.cached_tokens_details
    sorted_in = given.text_tokens + given.audio_tokens + given.image_tokens
    unsorted_in = max(0, usage.input_tokens - sorted_in)
    unsorted_out = max(0, usage.output_tokens - made.text_tokens - made.audio_tokens)
    return Used(
        dict(
            [
                *_apart(given.text_tokens, cached.text_tokens, Kind.TEXT_IN, Kind.CACHED_TEXT_IN),
                *_apart(
                    given.audio_tokens + unsorted_in,
                    min(cached.audio_tokens, given.audio_tokens),
                    Kind.AUDIO_IN,
                    Kind.CACHED_AUDIO_IN,
                ),
                *_apart(
                    given.image_tokens, cached.image_tokens, Kind.IMAGE_IN, Kind.CACHED_IMAGE_IN
                ),
                (Kind.TEXT_OUT, made.text_tokens),
                (Kind.AUDIO_OUT, made.audio_tokens + unsorted_out),
            ]
        )
    )


def of_transcription(usage: Usage) -> Used:
    """What writing down a turn took: tokens, or time."""
    given = usage.input_token_details
    unsorted_in = max(0, usage.input_tokens - given.text_tokens - given.audio_tokens)
    return Used(
        {
            Kind.TRANSCRIPTION_TEXT_IN: given.text_tokens,
            Kind.TRANSCRIPTION_AUDIO_IN: given.audio_tokens + unsorted_in,
            Kind.TRANSCRIPTION_OUT: usage.output_tokens,
            Kind.TRANSCRIPTION_MS: round(usage.seconds * 1000),
        }
    )


def _apart(all_of_it: int, cached: int, new: Kind, again: Kind) -> Iterator[tuple[Kind, int]]:
    """The service counts what was cached twice: among all, and by itself."""
    cached = max(0, min(cached, all_of_it))
    yield new, all_of_it - cached
    yield again, cached
