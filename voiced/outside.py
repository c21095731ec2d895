"""The ports, filled: devices, the wire, the archive and a voice, as the settings want them.

The only module that knows every edge; tests put their own things into `Ports` instead.
"""

import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from voiced.config import Config
from voiced.config_logs import Debug
from voiced.edges.authority import authority_from
from voiced.edges.files import FileMicrophone, FileSpeaker
from voiced.edges.ledger_file import LedgerFile, local_now
from voiced.edges.memory_file import MemoryFile
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.edges.proxy import find_proxies
from voiced.edges.recording import RecordingDialler
from voiced.edges.speaker import PortAudioSpeaker
from voiced.edges.state_file import state_directory
from voiced.edges.transport import Route, open_stream, trust
from voiced.edges.voice import find_voice
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.edges.wire_folder import WireFolder
from voiced.faults import VoiceError
from voiced.logbook.masking import Masks
from voiced.ports import (
    Archive,
    Books,
    Dialler,
    Microphone,
    ServiceManager,
    Speaker,
    Voice,
)

log = logging.getLogger(__name__)

_DAY_S: Final = 86_400.0
_FILE: Final = "file:"
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
    now: Callable[[], datetime] = local_now
    manager: ServiceManager | None = None  # where we were not started as a service


def ports_from(
    config: Config, environ: Mapping[str, str] = os.environ, masks: Masks | None = None
) -> Ports:
    """Real devices and the real wire; `ConfigError` if there is no key and one is needed. *masks* learn
    every secret, and keep it out of the log and of the record of the wire.
    """
    masks = masks or Masks()
    dialler = recorded(config.debug, dialler_from(config, environ, masks), masks.hide)
    system = PortAudio()
    return Ports(
        microphone_from(config, system),
        speaker_from(config, system),
        dialler,
        archive_from(config, environ),
        voice_from(config),
        books_from(environ),
    )


def microphone_from(config: Config, system: PortAudio) -> Microphone:
    """A sound card's, or a file."""
    capture = config.capture
    if capture.device.startswith(_FILE):
        return FileMicrophone(Path(capture.device.removeprefix(_FILE)))
    return PortAudioMicrophone(
        system,
        capture.device,
        capture.rate_hz or None,
        capture.block_ms,
        stall_s=config.devices.stall_ms / 1000,
    )


def speaker_from(config: Config, system: PortAudio) -> Speaker:
    """A sound card's, or a file."""
    playout = config.playout
    if playout.device.startswith(_FILE):
        return FileSpeaker(Path(playout.device.removeprefix(_FILE)))
    return PortAudioSpeaker(
        system,
        playout.device,
        playout.rate_hz or None,
        playout.device_block_ms,
        playout.device_latency_ms,
        stall_s=config.devices.stall_ms / 1000,
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


def voice_from(config: Config) -> Voice | None:
    """The voice of this machine, if one is wanted and there is one."""
    if config.notices.mode != "voice":
        return None
    try:
        return find_voice(config.notices.language)
    except VoiceError as error:
        log.warning('[notices] mode = "voice", but announcements will be tones: %s', error)
        return None
