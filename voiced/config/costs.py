"""What an owner may decide about money: prices, and how much may be spent. As `__init__.py` says."""

from collections.abc import Iterator

from attrs import field, frozen
from attrs.validators import and_

from voiced.config.checks import number, sentence, text, whole

_DEAREST = 1_000_000.0
_TOKENS = 1_000_000_000


@frozen(kw_only=True)
class Prices:
    """What the service takes, by kind; 0 is unknown."""

    currency: str = field(default="USD", validator=and_(text(), sentence))
    text_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    cached_text_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    audio_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    cached_audio_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    image_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    cached_image_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    text_out_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    audio_out_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    transcription_text_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    transcription_audio_in_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    transcription_out_per_million: float = field(default=0.0, validator=number(0.0, _DEAREST))
    transcription_per_minute: float = field(default=0.0, validator=number(0.0, _DEAREST))


@frozen(kw_only=True)
class Budget:
    """How much may be used; 0 is without limit."""

    daily: float = field(default=0.0, validator=number(0.0, _DEAREST))
    daily_tokens: int = field(default=0, validator=whole(0, _TOKENS))
    turns_per_hour: int = field(default=0, validator=whole(0, 3600))
    session_max_s: float = field(default=0.0, validator=number(0.0, 604_800.0))


def costs_across(prices: Prices, budget: Budget, *, transcribed: bool) -> Iterator[str]:
    """Mistakes that no single value makes: money can't be counted without prices."""
    if not budget.daily:
        return
    wanted = [
        *("text_in_per_million", "audio_in_per_million"),
        *("text_out_per_million", "audio_out_per_million"),
    ]
    if transcribed and not prices.transcription_per_minute:
        wanted += ["transcription_audio_in_per_million", "transcription_out_per_million"]
    missing = [name for name in wanted if not getattr(prices, name)]
    if missing:
        instead = " (or transcription_per_minute)" if missing[-1].startswith("trans") else ""
        yield (
            f"[budget] daily: money can't be counted without [prices] {', '.join(missing)}"
            f"{instead}; set them, or limit daily_tokens instead"
        )
