"""The ports, filled: the wire, the archive and what else an owner wants; the devices of `hardware.py`.

These two modules know every edge, and no other does; tests put their own things into `Ports` instead.
"""

import grp
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from voiced.audio.echo.handling import Canceller
from voiced.config.logs import Debug
from voiced.config.whole import Config
from voiced.control import address
from voiced.control.rights import House, Right
from voiced.edges.authority import authority_from
from voiced.edges.control_socket import Bounds, ControlSocket
from voiced.edges.ledger_file import LedgerFile, local_now
from voiced.edges.memory_file import MemoryFile
from voiced.edges.metrics_file import Textfile, can_write
from voiced.edges.metrics_server import MetricsHttp, can_listen
from voiced.edges.mute_file import MuteFile
from voiced.edges.portaudio import PortAudio
from voiced.edges.probe_file import ProbeFile
from voiced.edges.process import resources
from voiced.edges.proxy import find_proxies
from voiced.edges.recording import RecordingDialler
from voiced.edges.sound_traces import SoundTraces
from voiced.edges.state_file import Unfit, state_directory
from voiced.edges.transport import Route, open_stream, trust
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.edges.wire_folder import WireFolder
from voiced.hardware import (
    canceller_from,
    far_end_from,
    keys_from,
    microphone_from,
    panel_from,
    recall_from,
    speaker_from,
    voice_from,
    wake_word_from,
)
from voiced.link.probes import summary
from voiced.logbook.masking import Masks
from voiced.metrics.page import Resources
from voiced.panel_ports import Buttons, Panel
from voiced.ports import (
    Archive,
    Books,
    Dialler,
    Entrance,
    FarEnd,
    MetricsFile,
    MetricsServer,
    Microphone,
    MuteKeeper,
    ServiceManager,
    Speaker,
    Voice,
    WakeWord,
)

log = logging.getLogger(__name__)

_DAY_S: Final = 86_400.0
_PROXY_SHARE: Final = (
    0.8  # of the time until a socket must be open: less, or it could not be blamed
)


@attrs.frozen
class Ports:
    """What the daemon needs of the world."""

    microphone: Microphone
    speaker: Speaker
    dialler: Dialler
    archive: Archive | None = None  # where there is no place to keep anything
    voice: Voice | None = None  # of this machine, for announcements; None: they are tones
    books: Books | None = None  # where there is no place to keep account
    hide: Callable[[str], str] = str  # takes out of a text what is secret
    now: Callable[[], datetime] = local_now
    manager: ServiceManager | None = None  # where we were not started as a service
    entrance: Entrance | None = None  # for voicectl; None: nobody comes in
    mute_keeper: MuteKeeper | None = None  # where there is no place to keep anything
    probes: Callable[[], str] | None = None  # what they found of late; it blocks
    metrics_server: MetricsServer | None = None  # nobody wants numbers there
    metrics_file: MetricsFile | None = None
    # Devices that work can be wanted back, to look for better ones; what is heard of cards and servers.
    microphone_recalled: Callable[[], Awaitable[None]] = trio.sleep_forever
    speaker_recalled: Callable[[], Awaitable[None]] = trio.sleep_forever
    sound_changed: Callable[[], Awaitable[None]] = trio.sleep_forever
    wake_word: WakeWord | None = None  # nobody listens for words
    panel: Panel | None = None  # no buttons and lamps
    keys: Buttons | None = None  # no input device
    far_end: FarEnd | None = None  # nobody tells what the loudspeaker plays
    canceller: Canceller | None = None  # of echo; there is none, or none is wanted
    resources: Callable[[], Resources | None] = resources  # what our process takes


def ports_from(
    config: Config, environ: Mapping[str, str] = os.environ, masks: Masks | None = None
) -> Ports:
    """Real devices and the real wire; `ConfigError` if there is no key and one is needed. *masks* learn
    every secret, and keep it out of the log and of the record of the wire.
    """
    masks = masks or Masks()
    dialler = recorded(config.debug, dialler_from(config, environ, masks), masks.hide)
    system = PortAudio(SoundTraces().look)
    far_end = far_end_from(config)
    return Ports(
        microphone_from(config, system),
        speaker_from(config, system, far_end),
        dialler,
        archive_from(config, environ),
        voice_from(config),
        books_from(environ),
        hide=masks.hide,
        mute_keeper=mute_keeper_from(environ),
        probes=probes_from(environ),
        metrics_server=metrics_server_from(config),
        metrics_file=metrics_file_from(config),
        microphone_recalled=recall_from(config.capture.devices, system),
        speaker_recalled=recall_from(config.playout.devices, system),
        sound_changed=system.until_changed,
        wake_word=wake_word_from(config),
        panel=panel_from(config),
        keys=keys_from(config),
        far_end=far_end,
        canceller=canceller_from(config),
    )


def dialler_from(
    config: Config, environ: Mapping[str, str] = os.environ, masks: Masks | None = None
) -> Dialler:
    """The wire to the service; `ConfigError` if the secret it wants can't be had."""
    endpoint = Endpoint(
        url=config.realtime.url,
        model=config.realtime.model,
        key_header=config.auth.header,
        ping_every_s=config.uplink.ping_every_s,
        ping_limit_s=config.uplink.ping_limit_s,
        largest_message_bytes=config.uplink.largest_message_mb << 20,
        organization=config.realtime.organization,
        project=config.realtime.project,
        safety_identifier=config.realtime.safety_identifier,
    )
    route = route_from(config, environ)
    masks = masks or Masks()
    for proxy in (route.proxies.for_secure, route.proxies.for_plain):
        if proxy is not None and proxy.login is not None:
            masks.learn(proxy.login.reveal())
            masks.learn(proxy.login.reveal().partition(":")[2])
    authority = authority_from(
        config, endpoint, environ, partial(open_stream, route=route), masks.learn
    )
    return WebSocketDialler(
        attrs.evolve(endpoint, key_header=config.auth.secret_header), authority, route
    )


def recorded(debug: Debug, dialler: Dialler, hide: Callable[[str], str]) -> Dialler:
    """*dialler*, or one that keeps what goes over its wires, if the owner wants that."""
    if not debug.record_dir:
        return dialler
    folder = WireFolder(
        Path(debug.record_dir).expanduser(),
        most_bytes=debug.record_max_mb << 20,
        longest_s=debug.record_max_days * _DAY_S,
    )
    return RecordingDialler(dialler, folder, hide, with_audio=debug.record_audio)


def route_from(config: Config, environ: Mapping[str, str] = os.environ) -> Route:
    """The way out of here; `ConfigError` if a proxy or a certificate can't be used."""
    network = config.network
    if network.ca_file:
        trust(network.ca_file)  # read anew for each connection; told now if it is no good
    return Route(
        find_proxies(network.proxy, network.proxy_credentials_file, environ),
        network.ca_file,
        proxy_limit_s=config.uplink.socket_limit_s * _PROXY_SHARE,
    )


def archive_from(config: Config, environ: Mapping[str, str] = os.environ) -> Archive | None:
    """The file in the state directory; None (and a word, if it is wanted) where there is none."""
    directory = state_directory(environ)
    if directory is None:
        if config.privacy.keep_context:
            log.warning("context not kept: neither STATE_DIRECTORY nor HOME is set")
        return None
    return MemoryFile(directory, config.privacy.keep_context_s)


def books_from(environ: Mapping[str, str] = os.environ) -> Books | None:
    """The file in the state directory; None, and a word, where there is none."""
    directory = state_directory(environ)
    if directory is None:
        log.warning("usage not kept: neither STATE_DIRECTORY nor HOME is set")
        return None
    return LedgerFile(directory)


def mute_keeper_from(environ: Mapping[str, str] = os.environ) -> MuteKeeper | None:
    """The file in the state directory; None where there is none."""
    directory = state_directory(environ)
    return None if directory is None else MuteFile(directory)


def probes_from(environ: Mapping[str, str] = os.environ) -> Callable[[], str] | None:
    """What `voiced probe` has kept in the state directory, in a sentence."""
    directory = state_directory(environ)
    if directory is None:
        return None
    file = ProbeFile(directory)

    def told() -> str:
        try:
            return summary(file.read())
        except (OSError, Unfit) as error:
            return f"can't be read: {getattr(error, 'strerror', None) or error}"

    return told


def entrance_from(config: Config, environ: Mapping[str, str] = os.environ) -> Entrance | None:
    """The control socket, where the settings want it; None if they want none."""
    control = config.control
    if not control.enabled:
        return None
    uid = os.geteuid()
    path = Path(control.socket) if control.socket else address.place(environ, uid)
    may = frozenset(map(Right, control.group_may))
    return ControlSocket(
        path,
        House(uid, _gid(control.group), may),
        Bounds(clients=control.most_clients, line_s=control.line_s),
        private=address.is_temporary(path, uid),
        needed=bool(control.socket),
    )


def _gid(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:  # nobody has made one: the owner and root are enough
        return None


def metrics_server_from(config: Config) -> MetricsServer | None:
    """HTTP for monitoring, where the settings want it."""
    address = config.metrics.address
    return None if address is None else MetricsHttp(*address)


def metrics_file_from(config: Config) -> MetricsFile | None:
    """A file for monitoring, where the settings want it."""
    return Textfile(Path(config.metrics.textfile)) if config.metrics.textfile else None


def check_metrics(config: Config, now: Config) -> None:
    """`ConfigError` if a life with *config* could not tell its numbers. What the life of *now* holds, it
    will give up: its port is not asked for.
    """
    wanted, held = config.metrics.address, now.metrics.address
    if wanted is not None and (held is None or wanted[1] != held[1]):
        can_listen(*wanted)
    if config.metrics.textfile:
        can_write(Path(config.metrics.textfile))
