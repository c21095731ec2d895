"""What an owner may read of all this: today, this session, this month, and the budget."""

from collections.abc import Mapping

from attrs import field, frozen

from voiced.account.budget import Standing
from voiced.account.prices import Bill
from voiced.account.usage import TOKENS, Kind


@frozen
class Report:
    """What was used, what it cost, and how it stands with the budget."""

    today: Bill = field(factory=Bill)
    session: Bill = field(factory=Bill)  # of the session in use, or of the last one
    month: Bill = field(factory=Bill)
    life: Bill = field(factory=Bill)  # of this daemon; for whoever wants what only grows
    budget: Standing = field(factory=Standing)

    def plain(self) -> Mapping[str, object]:
        """As numbers and words, for whoever prints it or sends it on as JSON."""
        return {
            "today": _plain(self.today),
            "session": _plain(self.session),
            "month": _plain(self.month),
            "life": _plain(self.life),
            "budget": {
                "level": self.budget.level.name.lower(),
                "share": self.budget.share,
                "why": self.budget.why,
            },
        }


def _plain(bill: Bill) -> Mapping[str, object]:
    used, cost = bill.used, bill.cost
    return {
        "tokens": {kind.value: used.of(kind) for kind in TOKENS if used.of(kind)},
        "total_tokens": used.tokens,
        "transcription_s": used.of(Kind.TRANSCRIPTION_MS) / 1000,
        "cost": cost.amount if cost.known else None,  # None: unknown
        "cost_is_whole": cost.whole,  # False: something of it has no price
        "currency": cost.currency,
    }
