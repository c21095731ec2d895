"""Which tone a moment calls for."""

import attrs
import pytest

from voiced.turns.cues import LATE_S, Cue, Scene, Tones, called_for
from voiced.turns.moments import Moment

ALL = Tones(cues=frozenset(Cue), stops=frozenset({"stop"}), tells_faults=True)
QUIET = Scene()


@pytest.mark.parametrize(
    ("moment", "detail", "scene", "cue"),
    [
        (Moment.WOKEN, "okay_nabu", QUIET, Cue.WAKE),
        (Moment.WOKEN, "stop", QUIET, None),
        (Moment.WOKEN, "okay_nabu", Scene(muted=True), None),
        (Moment.WOKEN, "okay_nabu", Scene(deafens=True), None),
        (Moment.SPEECH_STOPPED, "", QUIET, Cue.TURN_END),
        (Moment.SPEECH_STOPPED, "", Scene(deafens=True), Cue.TURN_END),
        (Moment.SPEECH_STOPPED, "", Scene(muted=True), None),
        (Moment.UNANSWERED, "no response", QUIET, Cue.ERROR),
        (Moment.UNANSWERED, "no response", Scene(muted=True), Cue.ERROR),
        (Moment.UNANSWERED, "no response", Scene(hearing=True), None),
        (Moment.UNANSWERED, "", QUIET, None),
        (Moment.GAVE_UP, "the key was refused", QUIET, Cue.ERROR),
        (Moment.DISMISSED, "", QUIET, None),
        (Moment.ASKED, "", QUIET, None),
        (Moment.INACTIVE, "deactivated", QUIET, None),
    ],
)
def test_what_a_moment_calls_for(
    moment: Moment, detail: str, scene: Scene, cue: Cue | None
) -> None:
    assert called_for(moment, detail, ALL, scene) is cue


def test_what_is_announced_needs_no_tone() -> None:
    tones = attrs.evolve(ALL, tells_faults=False)
    assert called_for(Moment.GAVE_UP, "the key was refused", tones, QUIET) is None


@pytest.mark.parametrize("cue", Cue)
def test_what_nobody_wants_is_not_called_for(cue: Cue) -> None:
    tones = attrs.evolve(ALL, cues=ALL.cues - {cue})
    called = {called_for(moment, "why", tones, QUIET) for moment in Moment}
    assert called == {None, *tones.cues}


def test_every_cue_may_be_late() -> None:
    assert set(LATE_S) == set(Cue)
