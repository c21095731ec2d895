"""Every error voiced raises on purpose, and what the supervisor does about it.

Law of this file: an error class is chosen by what its *receiver* should do, its text is a
sentence for the person who can mend it (what happened, where, what to do), and `judge` is total.
Foreign exceptions are mapped to these at the edge that meets them, `from` the original.
"""

import enum
from collections.abc import Iterable

from attrs import frozen


class VoicedError(Exception):
    """What all our errors are."""


class ConfigError(VoicedError):
    """A person must mend the settings; the process ends with 78, which systemd does not restart."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class ProtocolError(VoicedError):
    """Somebody spoke out of turn on the wire."""


class LocalProtocolError(ProtocolError):
    """We did: a bug of ours, so the daemon stops with 70 rather than confuse the server."""


class RemoteProtocolError(ProtocolError):
    """The server did: this session is spent, another may work."""


class LinkError(VoicedError):
    """The wire could not be opened, was closed, or stood still for too long."""


class LinkRefused(LinkError):
    """The server, or something on the way, answered the handshake with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class SessionOver(VoicedError):
    """The server ended the session (or refused to begin it) and said why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class DeviceError(VoicedError):
    """A microphone or loudspeaker is missing, refuses its settings, or went away."""


class Verdict(enum.IntEnum):
    """What is to be done about a fault; the graver, the greater."""

    CARRY_ON = 0
    RECONNECT = 1
    COOL_DOWN = 2
    GIVE_UP = 3


@frozen
class Judgement:
    """A verdict with its reason in plain words, and what a person can do (empty: nothing)."""

    verdict: Verdict
    cause: str
    action: str = ""
