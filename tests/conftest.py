"""What all tests share."""

import os
from collections.abc import AsyncIterator

import hypothesis
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story

pytest_plugins = ("tests.canaries",)

# The same examples each time, so that a change is judged by what it changes; who wants to find what
# nobody has thought of sets HYPOTHESIS_PROFILE=search. No deadlines: a busy machine is no fault of the code's.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", derandomize=False, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only root can do, for whoever is not: a skipped test fails `scripts/test`."""
    if os.geteuid() == 0:
        return
    left = [item for item in items if item.get_closest_marker("root")]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


@pytest.fixture
async def story(nursery: trio.Nursery) -> AsyncIterator[Story]:
    """A cast that waits for `begin`.

    The test itself must ask for `autojump_clock`: pytest-trio looks for a clock among the test's
    own arguments only, and without one a story would take, and measure, real time.
    """
    assert isinstance(trio.lowlevel.current_clock(), MockClock), "ask for autojump_clock"
    yield Story()
    nursery.cancel_scope.cancel()
