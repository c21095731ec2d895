"""Is a default device muted, or turned down to nothing? Reads what pactl or amixer said; asks nobody.

Never worse than a warning: the default device need not be the one that is used, and whether anything is
heard, the microphone's level and the whistle tell for certain. This tells why.
"""

import re
from typing import Final

from attrs import frozen

from voiced.doctor.finding import Finding, Verdict
from voiced.edges.mixer import MixerSays

CHECK: Final = "mixer"

_FAINT_PERCENT: Final = 10  # about -60 dB by PulseAudio's cubic scale: next to nothing is heard
_MUTED: Final = re.compile(r"Mute: yes|\[off\]")
_NOT_MUTED: Final = re.compile(r"\[on\]")
_PERCENT: Final = re.compile(r"(\d+)%")


@frozen
class Setting:
    """One side of the mixer."""

    muted: bool
    percent: int | None  # of its loudest channel; None: it has no volume

    def told(self) -> str:
        """For people."""
        volume = "no volume" if self.percent is None else f"{self.percent} %"
        return f"{volume}, muted" if self.muted else volume

    @property
    def is_silent(self) -> bool:
        """Whether next to nothing comes through."""
        return self.muted or (self.percent is not None and self.percent < _FAINT_PERCENT)


def read(said: str) -> Setting | None:
    """Understand either program; None if it said nothing. A control with one open channel is open."""
    if not said.strip():
        return None
    percents = [int(each) for each in _PERCENT.findall(said)]
    muted = _MUTED.search(said) is not None and _NOT_MUTED.search(said) is None
    return Setting(muted, max(percents, default=None))


def judge(said: MixerSays) -> Finding:
    """One finding about both sides."""
    sides = {"loudspeaker": read(said.loudspeaker), "microphone": read(said.microphone)}
    known = {side: setting for side, setting in sides.items() if setting is not None}
    if not known:
        return Finding(
            check=CHECK, verdict=Verdict.SKIPPED, seen="neither pactl nor amixer could tell"
        )
    told = "; ".join(f"default {side}: {setting.told()}" for side, setting in known.items())
    figures = {
        f"{side}_percent": setting.percent
        for side, setting in known.items()
        if setting.percent is not None
    }
    silent = [side for side, setting in known.items() if setting.is_silent]
    if not silent:
        return Finding(check=CHECK, verdict=Verdict.OK, seen=told, figures=figures)
    return Finding(
        check=CHECK,
        verdict=Verdict.WARNING,
        seen=told,
        cause=f"the default {' and the default '.join(silent)} can't be heard with this setting",
        action="; ".join(_open(side, said.program) for side in silent),
        figures=figures,
    )


def _open(side: str, program: str) -> str:
    if program == "amixer":
        return f"amixer sset {'Master' if side == 'loudspeaker' else 'Capture'} 70% {'on' if side == 'loudspeaker' else 'cap'}"
    kind = "sink" if side == "loudspeaker" else "source"
    name = f"@DEFAULT_{kind.upper()}@"
    return f"pactl set-{kind}-mute {name} 0 && pactl set-{kind}-volume {name} 70%"
