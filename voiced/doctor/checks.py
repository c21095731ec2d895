"""All checks, in the order in which they are made: what stands on something comes after it."""

from collections.abc import Sequence

from voiced.doctor.examination import Check
from voiced.doctor.machine import House
from voiced.doctor.road import Road


def compose(house: House, road: Road, sound: Sequence[Check] = ()) -> list[Check]:
    """The machine and its settings, then its *sound*, then the road to the service."""
    return [*house.checks(), *sound, *road.checks()]
