"""What usage costs, by the owner's own table; where that has no price, the cost is said to be unknown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from voiced.account.usage import Kind, Used

_MILLION: Final = 1_000_000
_MINUTE_MS: Final = 60_000

_INSTEAD: Final[Mapping[Kind, Kind]] = MappingProxyType(
    {
        Kind.CACHED_TEXT_IN: Kind.TEXT_IN,
        Kind.CACHED_AUDIO_IN: Kind.AUDIO_IN,
        Kind.CACHED_IMAGE_IN: Kind.IMAGE_IN,
    }
)
"""What is priced like something dearer, where it has no price of its own."""


@frozen
class Cost:
    """An amount of money; if not `whole`, something was used that has no price."""

    amount: float = 0.0
    currency: str = ""
    whole: bool = True

    @property
    def known(self) -> bool:
        """Whether the amount tells anything."""
        return self.whole or self.amount > 0

    def __str__(self) -> str:
        if not self.known:
            return "unknown"
        amount = f"{self.amount:.2f} {self.currency}".rstrip()
        return amount if self.whole else f"at least {amount}"


@frozen
class Prices:
    """Of a million tokens of each kind, and of a minute of speech written down; absent: unknown."""

    table: Mapping[Kind, float] = field(factory=dict, hash=False)
    currency: str = ""

    def of(self, used: Used) -> Cost:
        """What that costs."""
        amount, whole = 0.0, True
        for kind, count in used.counts.items():
            price = self.table.get(kind, self.table.get(_INSTEAD.get(kind, kind)))
            if price is None:
                whole = False
            else:
                amount += (
                    price * count / (_MINUTE_MS if kind is Kind.TRANSCRIPTION_MS else _MILLION)
                )
        return Cost(amount, self.currency, whole)


@frozen
class Bill:
    """What was used, and what that costs."""

    used: Used = field(factory=Used)
    cost: Cost = Cost()
