"""What lamps show: a table, and rhythms by the caller's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.panel import SHOWS, Lamp, Lamps, Pattern, Scene, pattern
from voiced.notices import Phase

PHASES = [phase.value for phase in Phase]
SCENES = st.builds(Scene, phase=st.sampled_from(PHASES), muted=st.booleans(), ails=st.booleans())


def shown(lamp: Lamp, scene: Scene, until_s: float) -> list[tuple[float, bool]]:
    """When it changes, and to what, asked as the Lamplighter does."""
    lamps, now_s = Lamps([lamp]), 0.0
    changes: list[tuple[float, bool]] = []
    while now_s < until_s:
        look = lamps.look(scene, now_s)
        changes.append((round(now_s, 6), lamp in look.lit))
        now_s = look.until_s
    return changes


def test_the_table_speaks_of_phases_that_there_are() -> None:
    assert SHOWS.keys() == set(Lamp)
    for shows in SHOWS.values():
        assert shows.keys() <= set(PHASES)


@pytest.mark.parametrize(
    ("lamp", "scene", "expected"),
    [
        (Lamp.LISTENING, Scene("listening"), Pattern.ON),
        (Lamp.LISTENING, Scene("listening", muted=True), Pattern.OFF),
        (Lamp.LISTENING, Scene("connecting", muted=True), Pattern.OFF),
        (Lamp.SPEAKING, Scene("speaking", muted=True), Pattern.ON),
        (Lamp.MUTED, Scene("idle", muted=True), Pattern.ON),
        (Lamp.MUTED, Scene("muted"), Pattern.OFF),
        (Lamp.FAULT, Scene("cooling_down"), Pattern.SLOW),
        (Lamp.FAULT, Scene("cooling_down", ails=True), Pattern.FAST),
        (Lamp.FAULT, Scene("fault"), Pattern.FAST),
        (Lamp.STATUS, Scene("idle"), Pattern.OFF),
        (Lamp.STATUS, Scene("idle", ails=True), Pattern.FAST),
    ],
)
def test_what_a_lamp_shows(lamp: Lamp, scene: Scene, expected: Pattern) -> None:
    assert pattern(lamp, scene) is expected


@given(SCENES)
def test_nobody_who_is_muted_is_shown_as_heard(scene: Scene) -> None:
    if scene.muted:
        assert pattern(Lamp.LISTENING, scene) is Pattern.OFF
        assert pattern(Lamp.MUTED, scene) is Pattern.ON


@pytest.mark.parametrize(
    ("lamp", "phase", "changes"),
    [
        (Lamp.LISTENING, "listening", [(0.0, True)]),
        (Lamp.LISTENING, "idle", [(0.0, False)]),
        (Lamp.LISTENING, "connecting", [(0.0, True), (0.5, False), (1.0, True), (1.5, False)]),
        (Lamp.STATUS, "muted", [(0.0, True), (0.1, False)]),
        (Lamp.FAULT, "fault", [(0.0, True), (0.17, False), (0.35, True), (0.52, False)]),
    ],
)
def test_rhythms(lamp: Lamp, phase: str, changes: list[tuple[float, bool]]) -> None:
    assert shown(lamp, Scene(phase), 2.0)[: len(changes)] == changes
    assert len(shown(lamp, Scene(phase), 60.0)) <= 2 * 3 * 60, "three flashes a second at most"


def test_a_pattern_begins_with_light_when_it_begins_and_goes_on_where_nothing_changes() -> None:
    lamps = Lamps([Lamp.LISTENING, Lamp.SPEAKING])
    lamps.look(Scene("listening"), 0.0)
    assert lamps.look(Scene("thinking"), 7.3).lit == {Lamp.SPEAKING}
    assert lamps.look(Scene("thinking", muted=True), 7.7).until_s == pytest.approx(7.8)
    assert lamps.look(Scene("thinking"), 7.9).lit == frozenset()


@given(SCENES, st.floats(0, 1e6), st.lists(st.floats(0, 10), max_size=20))
def test_who_looks_in_time_never_looks_in_vain(
    scene: Scene, now_s: float, late_s: list[float]
) -> None:
    lamps = Lamps(list(Lamp))
    for late in [0.0, *late_s]:
        look = lamps.look(scene, now_s)
        assert look.until_s >= now_s + 0.0009, "a wait that moves nothing would spin"
        if look.until_s == float("inf"):
            break
        changed = lamps.look(scene, look.until_s)
        assert changed.lit != look.lit
        now_s = look.until_s + late
