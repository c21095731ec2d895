"""Every way in which sound servers and cards are missed has a cause and an action of its own."""

import itertools
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.doctor.finding import Verdict
from voiced.doctor.sound_server import judge
from voiced.edges.sound_server import Access, Reach, Surroundings

DESKTOP = Surroundings(
    user="kiosk",
    uid=1000,
    runtime_directory="/run/user/1000",
    usual_runtime_directory=True,
    lingers=False,
    pulse_server="",
    pulse=Reach.ANSWERS,
    pulse_at="/run/user/1000/pulse/native",
    pulse_peer="pipewire-pulse",
    pulse_elsewhere=False,
    pipewire=Reach.ANSWERS,
    cookie=Access.ALLOWED,
    cards=("HDA-Intel - HDA Intel PCH",),
    card_devices=Access.ALLOWED,
    in_audio_group=False,
    listed_in_audio_group=False,
    holders=(),
    plugins=("pulse",),
)
APPLIANCE = attrs.evolve(
    DESKTOP,
    runtime_directory="",
    usual_runtime_directory=False,
    pulse=Reach.ABSENT,
    pulse_at="",
    pulse_peer="",
    pipewire=Reach.ABSENT,
    cookie=Access.ABSENT,
    in_audio_group=True,
    listed_in_audio_group=True,
    plugins=(),
)

CASES: list[tuple[str, Surroundings, dict[str, Any], Verdict, list[str]]] = [
    ("PipeWire", DESKTOP, {}, Verdict.OK, ["PipeWire at /run/user/1000/pulse/native"]),
    (
        "PulseAudio",
        DESKTOP,
        {"pulse_peer": "pulseaudio", "pipewire": Reach.ABSENT},
        Verdict.OK,
        ["PulseAudio at"],
    ),
    ("started by systemd", DESKTOP, {"pulse_peer": "systemd"}, Verdict.OK, ["PipeWire at"]),
    (
        "somebody's",
        DESKTOP,
        {"pulse_peer": "", "pipewire": Reach.ABSENT},
        Verdict.OK,
        ["a PulseAudio server at"],
    ),
    ("plain ALSA", APPLIANCE, {}, Verdict.OK, ["plain ALSA with HDA-Intel"]),
    (
        "PULSE_SERVER names no socket",
        DESKTOP,
        {"pulse_server": "unix:/nowhere", "pulse_at": "/nowhere", "pulse": Reach.ABSENT},
        Verdict.FAILED,
        ["PULSE_SERVER=unix:/nowhere", "no such socket", "unset PULSE_SERVER"],
    ),
    (
        "PULSE_SERVER names a dead server",
        DESKTOP,
        {"pulse_server": "/dead", "pulse_at": "/dead", "pulse": Reach.REFUSED},
        Verdict.FAILED,
        ["nobody listens there"],
    ),
    (
        "PULSE_SERVER is nonsense",
        DESKTOP,
        {"pulse_server": "unix:", "pulse_at": "", "pulse": Reach.ABSENT},
        Verdict.FAILED,
        ["not written as PulseAudio wants it"],
    ),
    (
        "no plugin, no card",
        DESKTOP,
        {"plugins": (), "card_devices": Access.FORBIDDEN, "pulse_peer": "pulseaudio"},
        Verdict.FAILED,
        ["no plugin that leads to it", "sudo apt install libasound2-plugins"],
    ),
    ("no plugin", DESKTOP, {"plugins": ()}, Verdict.WARNING, ["sudo apt install pipewire-alsa"]),
    (
        "root's cookie",
        DESKTOP,
        {"cookie": Access.FORBIDDEN},
        Verdict.WARNING,
        ["can't be read", "sudo chown kiosk:"],
    ),
    (
        "another machine's server, no cookie",
        DESKTOP,
        {"pulse_server": "tcp:attic", "pulse_at": "attic:4713", "cookie": Access.ABSENT},
        Verdict.WARNING,
        ["no password for it", "copy ~/.config/pulse/cookie"],
    ),
    (
        "another user's server",
        DESKTOP,
        {"pulse": Reach.FORBIDDEN},
        Verdict.FAILED,
        ["is not kiosk's", "run voiced as that user"],
    ),
    ("a server that hangs", DESKTOP, {"pulse": Reach.SILENT}, Verdict.FAILED, ["it hangs"]),
    (
        "no XDG_RUNTIME_DIR",
        DESKTOP,
        {"pulse": Reach.ABSENT, "runtime_directory": "", "pulse_at": "", "pulse_elsewhere": True},
        Verdict.WARNING,
        ["nothing leads to it", "XDG_RUNTIME_DIR=/run/user/1000"],
    ),
    (
        "PipeWire without its PulseAudio side",
        DESKTOP,
        {"pulse": Reach.ABSENT},
        Verdict.WARNING,
        ["nothing leads to it", "pipewire-pulse"],
    ),
    (
        "PipeWire through its own plugin",
        DESKTOP,
        {"pulse": Reach.ABSENT, "plugins": ("pipewire",)},
        Verdict.OK,
        ["reached through pipewire-alsa"],
    ),
    (
        "a service without a session",
        APPLIANCE,
        {"plugins": ("pulse",)},
        Verdict.WARNING,
        ["no session bus", "sudo loginctl enable-linger kiosk"],
    ),
    (
        "a server that died",
        APPLIANCE,
        {"pulse": Reach.REFUSED, "pulse_at": "/run/user/1000/pulse/native"},
        Verdict.WARNING,
        ["nobody listens at it", "restart pipewire-pulse"],
    ),
    (
        "not in the group",
        APPLIANCE,
        {
            "card_devices": Access.FORBIDDEN,
            "in_audio_group": False,
            "listed_in_audio_group": False,
        },
        Verdict.FAILED,
        ["for the group audio", "sudo usermod -aG audio kiosk"],
    ),
    (
        "in the group since just now",
        APPLIANCE,
        {"card_devices": Access.FORBIDDEN, "in_audio_group": False},
        Verdict.FAILED,
        ["from the next login on", "log out and in again"],
    ),
    (
        "a group that is of no use",
        APPLIANCE,
        {"card_devices": Access.FORBIDDEN},
        Verdict.FAILED,
        ["not open to the group audio"],
    ),
    (
        "devices hidden by a sandbox",
        APPLIANCE,
        {"card_devices": Access.ABSENT},
        Verdict.FAILED,
        ["PrivateDevices=", "DeviceAllow=char-alsa"],
    ),
    (
        "a card that is held",
        APPLIANCE,
        {"holders": ("vlc (pid 812) holds card0/pcm0p",)},
        Verdict.WARNING,
        ["vlc (pid 812)", "one program holds a card", "stop that program"],
    ),
    (
        "nothing at all",
        APPLIANCE,
        {"cards": (), "card_devices": Access.ABSENT},
        Verdict.FAILED,
        ["knows no sound card", "enable-linger kiosk", "file:PATH"],
    ),
    (
        "no card, with a session",
        APPLIANCE,
        {"cards": (), "card_devices": Access.ABSENT, "usual_runtime_directory": True},
        Verdict.FAILED,
        ["knows no sound card", "lsusb"],
    ),
]


@pytest.mark.parametrize(
    ("surroundings", "changes", "verdict", "words"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_way_is_told_with_cause_and_action(
    surroundings: Surroundings, changes: dict[str, Any], verdict: Verdict, words: list[str]
) -> None:
    finding = judge(attrs.evolve(surroundings, **changes))
    told = f"{finding.seen}\n{finding.cause}\n{finding.action}"
    assert finding.verdict is verdict, finding
    assert all(word in told for word in words), told


def test_no_two_faults_are_told_alike() -> None:
    told = {
        (finding.seen, finding.cause)
        for _, surroundings, changes, _, _ in CASES
        for finding in [judge(attrs.evolve(surroundings, **changes))]
    }
    assert len(told) == len(CASES) - 1  # PipeWire is PipeWire, whoever made its socket


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "runtime_directory": st.sampled_from(["", "/run/user/1000"]),
            "pulse_server": st.sampled_from(["", "tcp:attic"]),
            "pulse_at": st.sampled_from(["", "/run/x", "attic:4713"]),
            "pulse": st.sampled_from(Reach),
            "pipewire": st.sampled_from(Reach),
            "cookie": st.sampled_from(Access),
            "card_devices": st.sampled_from(Access),
            "cards": st.sampled_from([(), ("A",)]),
            "plugins": st.sampled_from([(), ("pulse",), ("pipewire",)]),
            "holders": st.sampled_from([(), ("vlc",)]),
            **dict(
                zip(
                    (
                        "pulse_elsewhere",
                        "usual_runtime_directory",
                        "lingers",
                        "in_audio_group",
                        "listed_in_audio_group",
                    ),
                    itertools.repeat(st.booleans()),
                    strict=False,
                )
            ),
        },
    )
)
def test_whatever_is_seen_there_is_something_to_do_unless_all_is_well(
    changes: dict[str, Any],
) -> None:
    finding = judge(attrs.evolve(DESKTOP, **changes))
    assert finding.seen
    assert (finding.verdict is Verdict.OK) == (not finding.action) == (not finding.cause)
    assert "\n" not in finding.seen
