"""How often one may ask: a client that is too fast waits, and keeps nobody waiting but itself."""

from attrs import define, field


@define(eq=False)
class Pace:
    """A second's requests may come at once; after that, they come as fast as the limit says."""

    per_s: float
    _free_at_s: float = field(default=float("-inf"), init=False)

    def wait_s(self, now_s: float) -> float:
        """Note a request; how long it must wait."""
        self._free_at_s = max(self._free_at_s, now_s - 1.0) + 1.0 / self.per_s
        return max(0.0, self._free_at_s - now_s)
