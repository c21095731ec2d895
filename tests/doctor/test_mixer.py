"""What pactl and amixer print is understood, and a program that is missing or fails has said nothing."""

from pathlib import Path

import pytest

from voiced.doctor.finding import Verdict
from voiced.doctor.mixer import Setting, judge, read
from voiced.edges.mixer import Mixer, MixerSays

VOLUME = (
    "Volume: front-left: {0} / {1}% / 0.00 dB,   front-right: 0 /   0% / -inf dB\n   balance 0.00\n"
)
OPEN = "Mute: no\n" + VOLUME.format(65536, 100)
MUTED = "Mute: yes\n" + VOLUME.format(65536, 100)
FAINT = "Mute: no\n" + VOLUME.format(3000, 4)
MASTER = """Simple mixer control 'Master',0
  Capabilities: pvolume pswitch
  Limits: Playback 0 - 87
  Front Left: Playback 44 [{0}%] [-32.25dB] [{1}]
  Front Right: Playback 44 [{0}%] [-32.25dB] [{2}]
"""
SWITCH_ONLY = "Simple mixer control 'Capture',0\n  Capabilities: cswitch\n  Mono: Capture [off]\n"
OPEN_SINK = "pactl set-sink-mute @DEFAULT_SINK@ 0 && pactl set-sink-volume @DEFAULT_SINK@ 70%"
OPEN_SOURCE = OPEN_SINK.replace("sink", "source").replace("SINK", "SOURCE")


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        (OPEN, Setting(muted=False, percent=100)),
        (MUTED, Setting(muted=True, percent=100)),
        (FAINT, Setting(muted=False, percent=4)),
        (MASTER.format(51, "on", "on"), Setting(muted=False, percent=51)),
        (MASTER.format(51, "off", "off"), Setting(muted=True, percent=51)),
        (MASTER.format(51, "off", "on"), Setting(muted=False, percent=51)),
        (SWITCH_ONLY, Setting(muted=True, percent=None)),
        ("", None),
        ("\n", None),
    ],
)
def test_either_program_is_understood(said: str, setting: Setting | None) -> None:
    assert read(said) == setting


@pytest.mark.parametrize(
    ("said", "verdict", "action"),
    [
        (MixerSays(), Verdict.SKIPPED, ""),
        (MixerSays(program="pactl", loudspeaker=OPEN, microphone=OPEN), Verdict.OK, ""),
        (MixerSays(program="pactl", loudspeaker=OPEN), Verdict.OK, ""),
        (
            MixerSays(program="pactl", loudspeaker=MUTED, microphone=FAINT),
            Verdict.WARNING,
            f"{OPEN_SINK}; {OPEN_SOURCE}",
        ),
        (
            MixerSays(program="amixer", loudspeaker=MASTER.format(0, "on", "on")),
            Verdict.WARNING,
            "amixer sset Master 70% on",
        ),
        (
            MixerSays(program="amixer", microphone=SWITCH_ONLY),
            Verdict.WARNING,
            "amixer sset Capture 70% cap",
        ),
    ],
)
def test_what_cannot_be_heard_is_told_with_the_command_that_opens_it(
    said: MixerSays, verdict: Verdict, action: str
) -> None:
    finding = judge(said)
    assert (finding.verdict, finding.action) == (verdict, action)
    assert bool(finding.cause) == bool(action)


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_the_first_program_that_knows_anything_is_believed(tmp_path: Path) -> None:
    program(tmp_path / "pactl", "echo Connection refused >&2; exit 1")
    program(tmp_path / "amixer", 'echo "$1 $2 $LC_ALL"')
    said = await Mixer({"PATH": str(tmp_path)}).look()
    assert said == MixerSays(
        program="amixer", loudspeaker="sget Master C\n", microphone="sget Capture C\n"
    )


async def test_without_programs_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert await Mixer({"PATH": str(tmp_path)}).look() == MixerSays()
    (tmp_path / "pactl").write_bytes(b"\x7fELF, but not really")
    (tmp_path / "pactl").chmod(0o755)
    assert await Mixer({"PATH": str(tmp_path)}).look() == MixerSays()
