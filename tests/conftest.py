"""What all tests share."""

from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story


@pytest.fixture
async def story(nursery: trio.Nursery) -> AsyncIterator[Story]:
    """A cast that waits for `begin`.

    The test itself must ask for `autojump_clock`: pytest-trio looks for a clock among the test's
    own arguments only, and without one a story would take, and measure, real time.
    """
    assert isinstance(trio.lowlevel.current_clock(), MockClock), "ask for autojump_clock"
    yield Story()
    nursery.cancel_scope.cancel()
