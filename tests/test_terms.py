"""The settings in each room's terms: nothing an owner has set is lost on the way."""

import attrs

from voiced.account.usage import Kind
from voiced.config.costs import Budget, Prices
from voiced.config.whole import Config
from voiced.terms import budget_from, prices_from


def test_each_price_reaches_its_kind_and_none_is_made_up() -> None:
    names = [field.name for field in attrs.fields(Prices) if field.name != "currency"]
    given = Prices(currency="EUR", **{name: float(n) for n, name in enumerate(names, start=1)})
    prices = prices_from(attrs.evolve(Config(), prices=given))
    assert sorted(prices.table.values()) == [float(n) for n in range(1, len(names) + 1)]
    assert prices.table[Kind.CACHED_AUDIO_IN] == given.cached_audio_in_per_million
    assert prices.table[Kind.TRANSCRIPTION_MS] == given.transcription_per_minute
    assert set(prices.table) == set(Kind)
    assert prices.currency == "EUR"
    assert prices_from(Config()).table == {}


def test_the_budget_is_what_was_set() -> None:
    given = Budget(daily=5.0, daily_tokens=1000, turns_per_hour=30)
    limits = budget_from(attrs.evolve(Config(), budget=given))
    assert attrs.asdict(limits).items() <= attrs.asdict(given).items()
