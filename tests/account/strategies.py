"""What hypothesis draws: amounts, days, and clocks that do what clocks do."""

from datetime import date, datetime

from hypothesis import strategies as st

from voiced.account.usage import Kind, Used

used = st.builds(Used, st.dictionaries(st.sampled_from(Kind), st.integers(-5, 10**9)))
days = st.dates(date(1970, 1, 1), date(2999, 12, 31))
walls = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31))
