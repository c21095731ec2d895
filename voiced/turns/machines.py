"""The three machines of the floor, and until when each of them waits. Pure.

Law of this file: it holds states and limits, and knows nothing of what leads from one to another.
"""

from typing import Final, TypeAlias

import attrs

from voiced.turns.policy import Limits
from voiced.turns.states import BEGINS_WHEN_SENT, WAITS, Debt, Generation, User

State: TypeAlias = User | Generation | Debt
NEVER: Final = float("inf")


@attrs.define(eq=False)
class Machines:
    """Where the user, the generation and the debt are. Times are the caller's seconds."""

    limits: Limits
    user: User = attrs.field(default=User.SILENT, init=False)
    generation: Generation = attrs.field(default=Generation.NONE, init=False)
    debt: Debt = attrs.field(default=Debt.NONE, init=False)
    _until_s: dict[type[State], float] = attrs.field(factory=dict, init=False)

    @property
    def wakes_at_s(self) -> float:
        """When the next limit passes."""
        return min(self._until_s.values(), default=NEVER)

    def enter(self, state: State, now_s: float) -> None:
        """Be in that state from now on; its limit begins, unless we must be heard first."""
        match state:
            case User():
                self.user = state
            case Generation():
                self.generation = state
            case Debt():
                self.debt = state
        self._until_s[type(state)] = NEVER
        if state not in BEGINS_WHEN_SENT:
            self.wait(state, now_s)

    def wait(self, state: State, now_s: float) -> None:
        """Begin that state's limit now."""
        limit = WAITS.get(state)
        self._until_s[type(state)] = NEVER if limit is None else now_s + limit(self.limits)

    def pause(self, until_s: float) -> None:
        """Ask for no response before that."""
        self.generation = Generation.PAUSING
        self._until_s[Generation] = until_s

    def overdue(self, now_s: float) -> State | None:
        """A state whose limit has passed: each is named once."""
        states: tuple[State, ...] = (self.user, self.generation, self.debt)
        for state in states:
            if self._until_s.get(type(state), NEVER) <= now_s:
                self._until_s[type(state)] = NEVER
                return state
        return None
