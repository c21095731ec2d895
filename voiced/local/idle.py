"""Speaking up when the user has been quiet for long.

Law of this file: one timer, armed when an answer is over and its sound would have been played,
disarmed by whatever happens next. What it sets off is its owner's business.
"""

from collections.abc import Callable

import trio
from attrs import define, field


@define(eq=False)
class IdleWatch:
    """At most one waiting task in the session's nursery."""

    nursery: trio.Nursery
    _scope: trio.CancelScope | None = field(init=False, default=None)

    def arm(self, deadline_s: float, on_idle: Callable[[], None]) -> None:
        """Wait until *deadline_s* on Trio's clock, instead of any earlier wait."""
        self.disarm()
        self._scope = trio.CancelScope()
        self.nursery.start_soon(self._wait, self._scope, deadline_s, on_idle)

    def disarm(self) -> None:
        """Stop waiting."""
        if self._scope is not None:
            self._scope.cancel(reason="somebody spoke")
            self._scope = None

    async def _wait(
        self, scope: trio.CancelScope, deadline_s: float, on_idle: Callable[[], None]
    ) -> None:
        with scope:
            await trio.sleep_until(deadline_s)
            if self._scope is not scope:  # disarmed in the same instant
                return
            self._scope = None
            on_idle()
