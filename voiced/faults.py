"""Every error voiced raises on purpose.

Law of this file: an error class is chosen by what its *receiver* should do, and its text is a
sentence for the person who can mend it (what happened, where, what to do). Foreign exceptions are
mapped to these at the edge that meets them, `from` the original. What is done about each stands in
`verdicts.py`.
"""

import enum
from collections.abc import Iterable, Iterator
from typing import TypeVar


class VoicedError(Exception):
    """What all our errors are."""


class ConfigError(VoicedError):
    """A person must mend the settings: at the start the process ends with 78, which systemd does not
    restart; a fault that shows later is waited with, where somebody may mend it.
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class ProtocolError(VoicedError):
    """Somebody spoke out of turn on the wire."""


class LocalProtocolError(ProtocolError):
    """We did: a bug of ours, so the daemon stops with 70 rather than confuse the server."""


class RemoteProtocolError(ProtocolError):
    """The server did: this session is spent, another may work."""


class Trouble(enum.Enum):
    """What can be wrong with a link, apart from what the server says about it."""

    LOST = "lost"  # it was there, and is not any more
    NAME = "name"  # DNS knows no such host, or gives no answer
    UNREACHABLE = "unreachable"  # no route, refused, timed out below us
    TLS = "tls"  # no trust in the server's certificate, or no common language
    CLOCK = "clock"  # a certificate that is out of date because our clock is wrong
    PROXY = "proxy"  # it can't be reached, refuses, or wants a password
    PORTAL = "portal"  # somebody on the way answered in the server's place
    NOT_WEBSOCKET = "not_websocket"  # it answered, but not as a WebSocket server does
    HANDSHAKE = "handshake"  # it hung up in the middle of one
    SLOW = "slow"  # no socket, no session.created or no session.updated in time
    STUCK = "stuck"  # the peer reads nothing
    NO_PONG = "no_pong"  # a ping stayed unanswered
    DEAF = "deaf"  # the socket lives, but the session behind it answers nothing
    SECRET = "secret"  # no fresh secret could be had  # noqa: S105


class LinkError(VoicedError):
    """The wire could not be opened, was closed, or stood still for too long."""

    def __init__(self, message: str, trouble: Trouble = Trouble.LOST) -> None:
        self.trouble = trouble
        super().__init__(message)


class LinkRefused(LinkError):
    """The server, or something on the way, answered with an HTTP status, and perhaps with how long
    to stay away (`retry_after_s`).
    """

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message)


class LinkClosed(LinkError):
    """The wire was closed: by the server with a code and a reason, or (1006) without a word."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class SessionOver(VoicedError):
    """The session can't go on: the server said why (in *opening* it: refused our settings), or, with a
    code of ours, we did. `kind` is the error's type; `retry_after_s` how long we are to stay away.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        kind: str = "",
        opening: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        self.code = code
        self.kind = kind
        self.opening = opening
        self.retry_after_s = retry_after_s
        super().__init__(message)


class VoiceError(VoicedError):
    """The voice of this machine could not say something: there are tones."""


class DeviceError(VoicedError):
    """A microphone, loudspeaker, panel or input device is missing, refuses its settings, or went away."""


class DeviceAbsent(DeviceError):
    """There is none of that name, or none at all."""


class DeviceBusy(DeviceError):
    """It is there, but another program holds it for itself."""


class DeviceUnfit(DeviceError):
    """It is there, but not fit for what is wanted of it: a person must act, opening it again is vain."""


class DeviceRecalled(DeviceError):
    """It is to be closed and opened again at once: to find a better one, or as it may be a mere stream that
    has come apart from its device.
    """


class DeviceHung(DeviceError):
    """The sound system does not answer; if that lasts, only a new process gets rid of it."""


_Fault = TypeVar("_Fault", bound=VoicedError)


def leaves(group: BaseExceptionGroup[_Fault]) -> Iterator[_Fault]:
    """The faults of a group, however deep it is nested."""
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each)
        else:
            yield each
