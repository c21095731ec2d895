"""Who stands between us and the sound cards, and whether it can be reached from here. Judges, never looks.

Law of this file: what was seen goes in, a finding comes out; nothing else is consulted. PortAudio reaches
PulseAudio and PipeWire through ALSA's plugins, and both serve one user only, while that user has a
session or lingers: most of what can go wrong follows from these two facts.
"""

from functools import partial
from typing import Final

from voiced.doctor.finding import Finding, Verdict
from voiced.edges.sound_server import Access, Reach, Surroundings

CHECK: Final = "audio server"

_finding = partial(Finding, check=CHECK)
_ok = partial(_finding, verdict=Verdict.OK)
_warning = partial(_finding, verdict=Verdict.WARNING)
_failed = partial(_finding, verdict=Verdict.FAILED)


def judge(seen: Surroundings) -> Finding:
    """One finding: the first thing on the way to the sound cards that is wrong, or how it goes."""
    if seen.pulse_server and seen.pulse is not Reach.ANSWERS:
        return _named_in_vain(seen)
    if seen.pulse is Reach.ANSWERS:
        return _through_a_server(seen)
    if seen.pulse in (Reach.FORBIDDEN, Reach.SILENT):
        return _out_of_reach(seen)
    if seen.pulse_elsewhere:
        return _warning(
            seen=f"a sound server of {seen.user} runs, and nothing leads to it",
            cause=f'XDG_RUNTIME_DIR is "{seen.runtime_directory}", not /run/user/{seen.uid}',
            action=f"set XDG_RUNTIME_DIR=/run/user/{seen.uid}, or run voiced as a user unit "
            "(systemctl --user)",
        )
    if seen.pipewire is Reach.ANSWERS:
        return _pipewire_alone(seen)
    return _without_a_server(seen)


def _named_in_vain(seen: Surroundings) -> Finding:
    why = {
        Reach.ABSENT: "there is no such socket or host",
        Reach.REFUSED: "nobody listens there: the server has died, or was not started",
        Reach.FORBIDDEN: f"{seen.user} may not connect to it",
        Reach.SILENT: "it does not take connections: the server hangs, or the host is down",
    }
    return _failed(
        seen=f"PULSE_SERVER={seen.pulse_server} leads to no sound server",
        cause=why.get(seen.pulse, "")
        if seen.pulse_at
        else "it is not written as PulseAudio wants it",
        action="unset PULSE_SERVER to use this user's own server; or start the server that it names, "
        "for this user",
    )


def _through_a_server(seen: Surroundings) -> Finding:
    name = _name(seen)
    told = f"{name} at {seen.pulse_at}"
    if not seen.plugins:
        lacking = "pipewire-alsa" if name == "PipeWire" else "libasound2-plugins"
        verdict = Verdict.WARNING if seen.card_devices is Access.ALLOWED else Verdict.FAILED
        return _finding(
            verdict=verdict,
            seen=f"{told}, and ALSA has no plugin that leads to it",
            cause="we reach sound servers through ALSA: without the plugin only sound cards are left, "
            "which the server may hold",
            action=f"sudo apt install {lacking}",
        )
    if seen.cookie is Access.FORBIDDEN:
        return _warning(
            seen=f"{told}; the password file of PulseAudio can't be read",
            cause="it belongs to another user: often a program was run with sudo once",
            action=f"sudo chown {seen.user}: ~/.config/pulse/cookie",
        )
    if seen.cookie is Access.ABSENT and not seen.pulse_at.startswith("/"):
        return _warning(
            seen=f"{told}, on another machine, and there is no password for it",
            cause="a server refuses who does not know its cookie, unless it lets everybody in",
            action="copy ~/.config/pulse/cookie from the server's user",
        )
    return _ok(seen=told)


def _name(seen: Surroundings) -> str:
    """systemd makes the socket of either, and starts the server when somebody comes."""
    if "pipewire" in seen.pulse_peer:
        return "PipeWire"
    if "pulseaudio" in seen.pulse_peer:
        return "PulseAudio"
    return "PipeWire" if seen.pipewire is Reach.ANSWERS else "a PulseAudio server"


def _out_of_reach(seen: Surroundings) -> Finding:
    if seen.pulse is Reach.SILENT:
        return _failed(
            seen=f"the sound server at {seen.pulse_at} takes no connections",
            cause="it hangs, or is being debugged",
            action="restart it: systemctl --user restart pipewire-pulse (or pulseaudio)",
        )
    return _failed(
        seen=f"the sound server at {seen.pulse_at} is not {seen.user}'s",
        cause="a sound server serves the user who started it, and nobody else",
        action="run voiced as that user (as a user unit: systemctl --user); with sudo, use sudo -u",
    )


def _pipewire_alone(seen: Surroundings) -> Finding:
    if "pipewire" in seen.plugins:
        return _ok(seen="PipeWire, reached through pipewire-alsa")
    verdict = Verdict.WARNING if seen.card_devices is Access.ALLOWED else Verdict.FAILED
    return _finding(
        verdict=verdict,
        seen="PipeWire runs, but nothing leads to it",
        cause="neither pipewire-pulse runs nor is pipewire-alsa installed",
        action="sudo apt install pipewire-pulse pipewire-alsa && systemctl --user start pipewire-pulse",
    )


def _without_a_server(seen: Surroundings) -> Finding:
    if not seen.cards and seen.card_devices is Access.ABSENT:
        return _no_card(seen)
    if seen.card_devices is Access.FORBIDDEN:
        return _not_in_the_group(seen)
    if seen.card_devices is Access.ABSENT:
        return _failed(
            seen=f"the kernel knows {_cards(seen)}, but /dev/snd holds no device of it",
            cause="a container or a sandbox (PrivateDevices=) hides the devices",
            action="give it /dev/snd: DeviceAllow=char-alsa rw, or docker run --device /dev/snd",
        )
    if seen.pulse is Reach.REFUSED:
        return _warning(
            seen=f"the socket {seen.pulse_at} is there, and nobody listens at it",
            cause="the sound server has died",
            action="systemctl --user restart pipewire-pulse (or pulseaudio)",
        )
    if seen.plugins and not (seen.usual_runtime_directory or seen.lingers):
        return _warning(
            seen=f"plain ALSA with {_cards(seen)}; the sound server of {seen.user} does not run",
            cause=f"{seen.user} has no session, and without one there is no session bus and no sound "
            "server",
            action=f"sudo loginctl enable-linger {seen.user}; or remove the server, and stay with ALSA",
        )
    if seen.holders:
        return _warning(
            seen=f"plain ALSA with {_cards(seen)}; {'; '.join(seen.holders)}",
            cause="without a sound server one program holds a card, and all others are refused",
            action="stop that program (if it is voiced: systemctl stop voiced) before going on",
        )
    return _ok(seen=f"plain ALSA with {_cards(seen)}")


def _no_card(seen: Surroundings) -> Finding:
    lonely = not (seen.usual_runtime_directory or seen.lingers)
    return _failed(
        seen="neither a sound server nor a sound card",
        cause="the kernel knows no sound card"
        + (f", and {seen.user} has no session that a sound server could run in" if lonely else ""),
        action="plug one in (`lsusb` shows whether it is seen) or enable it in the boot settings; "
        + (
            f"if sound comes by Bluetooth or network: sudo loginctl enable-linger {seen.user}; "
            if lonely
            else ""
        )
        + "without one, file:PATH works as microphone or loudspeaker",
    )


def _not_in_the_group(seen: Surroundings) -> Finding:
    if seen.listed_in_audio_group and not seen.in_audio_group:
        return _failed(
            seen=f"{_cards(seen)}, which {seen.user} may not use yet",
            cause="the group audio counts from the next login on",
            action="log out and in again, or restart the service",
        )
    return _failed(
        seen=f"{_cards(seen)}, which {seen.user} may not use",
        cause="the devices in /dev/snd are for the group audio, and no sound server runs"
        if not seen.in_audio_group
        else "the devices in /dev/snd are not open to the group audio",
        action=f"sudo usermod -aG audio {seen.user}; or, for a sound server without a session: "
        f"sudo loginctl enable-linger {seen.user}",
    )


def _cards(seen: Surroundings) -> str:
    return ", ".join(seen.cards) or "a sound card"
