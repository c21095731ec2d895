"""What usage costs: as the owner's table says, and unknown where it says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.account.strategies import used
from voiced.account.prices import Prices
from voiced.account.usage import Kind, Used

WHOLE = Prices(dict.fromkeys(Kind, 2.5), "EUR")


def test_a_million_tokens_cost_what_the_table_says_and_so_does_a_minute() -> None:
    prices = Prices({Kind.AUDIO_OUT: 64.0, Kind.TRANSCRIPTION_MS: 0.6}, "EUR")
    cost = prices.of(Used({Kind.AUDIO_OUT: 500_000, Kind.TRANSCRIPTION_MS: 90_000}))
    assert cost.amount == pytest.approx(32.9)
    assert cost.whole
    assert str(cost) == "32.90 EUR"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_price_of_its_own(kind: Kind) -> None:
    table = {each: float(place) for place, each in enumerate(Kind, start=1)}
    million = 60_000 if kind is Kind.TRANSCRIPTION_MS else 1_000_000
    assert Prices(table).of(Used({kind: million})).amount == pytest.approx(table[kind])


def test_without_prices_the_cost_is_unknown_and_without_some_it_is_at_least() -> None:
    both = Used({Kind.AUDIO_OUT: 1_000_000, Kind.TEXT_OUT: 5})
    assert str(Prices().of(both)) == "unknown"
    assert str(Prices({Kind.AUDIO_OUT: 1.0}, "EUR").of(both)) == "at least 1.00 EUR"
    assert str(Prices().of(Used())) == "0.00"


def test_what_was_cached_costs_as_much_as_what_was_not_unless_the_owner_knows_better() -> None:
    cached = Used({Kind.CACHED_AUDIO_IN: 1_000_000})
    assert Prices({Kind.AUDIO_IN: 32.0}).of(cached).amount == 32.0
    assert Prices({Kind.AUDIO_IN: 32.0, Kind.CACHED_AUDIO_IN: 0.4}).of(cached).amount == 0.4


@given(st.lists(used))
def test_the_whole_costs_what_its_parts_cost(parts: list[Used]) -> None:
    whole = WHOLE.of(sum(parts, Used()))
    assert whole.whole
    assert whole.amount == pytest.approx(sum(WHOLE.of(part).amount for part in parts))
