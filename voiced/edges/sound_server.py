"""What there is between us and the sound cards: servers' sockets, devices' permissions. Looks, never judges.

Everything is found out without a sound server's library: a socket that can be connected to, a file that
can be read, a group one is in. Nothing is changed and no sound is made.
"""

import enum
import grp
import os
import pwd
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import trio
from attrs import frozen

from voiced.edges.holders import holders

_ANSWERS_WITHIN_S: Final = 1.0  # a socket of this machine needs microseconds
_PULSE_PORT: Final = 4713
_HIGHEST_PORT: Final = 65_535
_PLUGINS: Final = ("libasound_module_pcm_pulse.so", "libasound_module_pcm_pipewire.so")

Address: TypeAlias = Path | tuple[str, int]


class Reach(enum.Enum):
    """What became of an attempt to connect."""

    ANSWERS = "answers"
    ABSENT = "absent"  # no such socket, host or address
    REFUSED = "refused"  # the socket is there, and nobody listens at it
    FORBIDDEN = "forbidden"  # to this user
    SILENT = "silent"  # not within a second


class Access(enum.Enum):
    """What may be done with a file or device."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"


@frozen(kw_only=True)
class Surroundings:
    """Everything that was seen."""

    user: str
    uid: int
    runtime_directory: str
    """$XDG_RUNTIME_DIR, or empty."""
    usual_runtime_directory: bool
    """Whether /run/user/UID is there: the user has a session, or lingers."""
    lingers: bool
    pulse_server: str
    """$PULSE_SERVER, or empty."""
    pulse: Reach
    """The server that PulseAudio's clients would talk to."""
    pulse_at: str
    """Where that is looked for; empty if nowhere."""
    pulse_peer: str
    """The name of the process at the other end, if it is of this machine."""
    pulse_elsewhere: bool
    """Whether one answers in /run/user/UID, where our environment does not lead to."""
    pipewire: Reach
    cookie: Access
    """PulseAudio's password, wanted by servers of other users and machines."""
    cards: tuple[str, ...]
    """Sound cards, as the kernel names them."""
    card_devices: Access
    """PCM devices in /dev/snd, to read and write."""
    in_audio_group: bool
    """This process is; ..."""
    listed_in_audio_group: bool
    """... the user is, from the next login on at the latest."""
    holders: tuple[str, ...]
    """Programs that hold a card: `voiced (pid 812) holds card0/pcm0c`."""
    plugins: tuple[str, ...]
    """ALSA's ways to a server, installed: `pulse`, `pipewire`."""


@frozen
class SoundServer:
    """Looks around; every place can be another one in tests."""

    environ: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    root: Path = Path("/")

    async def look(self) -> Surroundings:
        """See what there is; takes milliseconds, or a second per server that is silent."""
        uid = os.getuid()
        usual = self.root / "run/user" / str(uid)
        runtime = self.environ.get("XDG_RUNTIME_DIR", "")
        pulse_server = self.environ.get("PULSE_SERVER", "")
        address = self._pulse_address(pulse_server, runtime)
        pulse, peer = await reach(address)
        elsewhere = usual / "pulse/native"
        user = _user(uid)
        return Surroundings(
            user=user,
            uid=uid,
            runtime_directory=runtime,
            usual_runtime_directory=_there(usual),
            lingers=_there(self.root / "var/lib/systemd/linger" / user),
            pulse_server=pulse_server,
            pulse=pulse,
            pulse_at=_shown(address),
            pulse_peer=peer,
            pulse_elsewhere=address != elsewhere and (await reach(elsewhere))[0] is Reach.ANSWERS,
            pipewire=(await reach(self._pipewire_socket(runtime)))[0],
            cookie=self._cookie(),
            cards=self._cards(),
            card_devices=_all_allowed(sorted((self.root / "dev/snd").glob("pcm*"))),
            in_audio_group=_audio_gid() in {*os.getgroups(), os.getegid()},
            listed_in_audio_group=_listed(user),
            holders=tuple(self._holders()),
            plugins=self._plugins(),
        )

    def _pulse_address(self, pulse_server: str, runtime: str) -> Address | None:
        if pulse_server:
            return pulse_address(pulse_server)
        if directory := self.environ.get("PULSE_RUNTIME_PATH"):
            return Path(directory) / "native"
        return Path(runtime) / "pulse/native" if runtime else None

    def _pipewire_socket(self, runtime: str) -> Path | None:
        directory = self.environ.get("PIPEWIRE_RUNTIME_DIR", runtime)
        name = self.environ.get("PIPEWIRE_REMOTE", "pipewire-0")
        return Path(directory) / name if directory else None

    def _cookie(self) -> Access:
        home = Path(self.environ.get("HOME", "/nonexistent"))
        config = Path(self.environ.get("XDG_CONFIG_HOME", str(home / ".config")))
        named = self.environ.get("PULSE_COOKIE")
        places = [Path(named)] if named else [config / "pulse/cookie", home / ".pulse-cookie"]
        seen = [_access(place, os.R_OK) for place in places]
        return next((each for each in seen if each is not Access.ABSENT), Access.ABSENT)

    def _cards(self) -> tuple[str, ...]:
        """The second column of lines such as ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH`."""
        lines = _read(self.root / "proc/asound/cards").splitlines()
        return tuple(line.partition("]: ")[2].strip() for line in lines if "]: " in line)

    def _holders(self) -> Sequence[str]:
        return [f"{h.program} (pid {h.pid}) holds {h.card}/{h.pcm}" for h in holders(self.root)]

    def _plugins(self) -> tuple[str, ...]:
        folders = [*self.root.glob("usr/lib*/alsa-lib"), *self.root.glob("usr/lib/*/alsa-lib")]
        return tuple(
            name.removeprefix("libasound_module_pcm_").removesuffix(".so")
            for name in _PLUGINS
            if any(_there(folder / name) for folder in folders)
        )


def pulse_address(pulse_server: str) -> Address | None:
    """The first server that $PULSE_SERVER names: `unix:/path`, `/path`, `tcp:host:port` or `host`; None if
    it can't be read. A machine's id in braces before it is passed over.
    """
    words = pulse_server.split()
    if not words:
        return None
    first = words[0]
    if first.startswith("{"):
        first = first.partition("}")[2]
    if first.startswith(("/", "unix:")):
        path = first.removeprefix("unix:")
        return Path(path) if path else None
    for scheme in ("tcp:", "tcp4:", "tcp6:"):
        first = first.removeprefix(scheme)
    host, _, port = first.rpartition(":") if _ends_with_port(first) else (first, "", "")
    host = host.removeprefix("[").removesuffix("]")
    number = int(port or _PULSE_PORT)
    return (host, number) if host and number <= _HIGHEST_PORT else None


async def reach(address: Address | None) -> tuple[Reach, str]:
    """Connect and hang up; and the name of the process that made the socket, if it is of this machine."""
    if address is None:
        return Reach.ABSENT, ""
    try:
        with trio.fail_after(_ANSWERS_WITHIN_S):
            if isinstance(address, Path):
                return await _connect_unix(address)
            stream = await trio.open_tcp_stream(*address)
            await stream.aclose()
    except trio.TooSlowError:
        return Reach.SILENT, ""
    except PermissionError:
        return Reach.FORBIDDEN, ""
    except ConnectionRefusedError:
        return Reach.REFUSED, ""
    except OSError:  # what remains are names, routes and paths that lead nowhere
        return Reach.ABSENT, ""
    return Reach.ANSWERS, ""


async def _connect_unix(path: Path) -> tuple[Reach, str]:
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        await plug.connect(str(path))
        credentials = plug.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _, _ = struct.unpack("3i", credentials)
    return Reach.ANSWERS, _read(Path(f"/proc/{pid}/comm")).strip()


def _ends_with_port(host: str) -> bool:
    """As in `kitchen:4713` and `[::1]:4713`, unlike `::1`."""
    return host.rpartition(":")[2].isdecimal() and (host.count(":") == 1 or "]:" in host)


def _shown(address: Address | None) -> str:
    if address is None:
        return ""
    return str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container, or with systemd's DynamicUser without nss-systemd
        return str(uid)


def _audio_gid() -> int:
    try:
        return grp.getgrnam("audio").gr_gid
    except KeyError:
        return -1


def _listed(user: str) -> bool:
    try:
        return user in grp.getgrnam("audio").gr_mem
    except KeyError:
        return False


def _access(path: Path, mode: int) -> Access:
    try:
        path.stat()
    except PermissionError:
        return Access.FORBIDDEN
    except OSError:
        return Access.ABSENT
    return Access.ALLOWED if os.access(path, mode) else Access.FORBIDDEN


def _there(path: Path) -> bool:
    return _access(path, os.F_OK) is Access.ALLOWED


def _all_allowed(devices: Sequence[Path]) -> Access:
    if not devices:
        return Access.ABSENT
    allowed = all(os.access(device, os.R_OK | os.W_OK) for device in devices)
    return Access.ALLOWED if allowed else Access.FORBIDDEN


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
