"""What the manual pages say that no program knows of itself: prose, and nothing else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

WRITTEN_ON: Final = "2026-11-21"
"""When somebody last looked whether the prose is still true."""


@frozen
class Words:
    """The prose of one page."""

    name: str
    description: str  # paragraphs, with empty lines between
    lists: Mapping[str, tuple[tuple[str, str], ...]]
    see_also: tuple[str, ...]


_PLACES: Final = (
    ("~/.config/voiced/voiced.toml", "the settings of whoever runs voiced"),
    ("/etc/voiced/voiced.toml", "the settings of this machine, if there are none of one's own"),
)
_SOCKETS: Final = (
    ("$RUNTIME_DIRECTORY/control.sock", "the control socket of a service; usually /run/voiced"),
    ("$XDG_RUNTIME_DIR/voiced/control.sock", "that of a daemon started by hand"),
    ("/tmp/voiced-UID/control.sock", "that of a daemon that has neither"),  # noqa: S108
)

PAGES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "voiced.1": Words(
            "a daemon one can talk with",
            """
voiced turns a machine with a microphone and a loudspeaker into something one can talk with,
over the OpenAI Realtime API. It runs until it is stopped: through lost connections, failing
services and unplugged devices.

Try it without an account: voiced run --local

What keeps it from working, voiced doctor says: machine, sound and the road to the service, each
check with its cause and what to do. voiced probe is the short form for scripts. voiced calibrate
finds out which gain, volume and echo handling suit the room, and can write them into the settings. With
--record-room DIR, voiced doctor writes three recordings of the room for its owner to listen to; they
hold whatever was said there.

As a service it is started by systemd; voicectl(1) shows what goes on and gives orders. Settings
stand in voiced.toml(5).
""",
            {
                "EXIT STATUS": (
                    ("0", "it was stopped, or the command is done"),
                    (
                        "1",
                        "something outside failed: a device, the link, a check of doctor or probe",
                    ),
                    ("2", "the command line was not understood"),
                    ("70", "a mistake in voiced itself: please report it"),
                    (
                        "78",
                        "the settings are wrong, and a person must act; systemd does not restart it",
                    ),
                ),
                "SIGNALS": (
                    ("SIGINT, SIGTERM", "stop in order; a second one stops at once"),
                    (
                        "SIGHUP",
                        "as a service: read the settings again; those that are refused change nothing",
                    ),
                ),
                "ENVIRONMENT": (
                    ("OPENAI_API_KEY", "the API key, if no file and no systemd credential has it"),
                    ("STATE_DIRECTORY", "where it keeps what must survive a restart"),
                    ("XDG_STATE_HOME", "the same, for a daemon started by hand (~/.local/state)"),
                    ("RUNTIME_DIRECTORY, XDG_RUNTIME_DIR", "where the control socket is made"),
                    (
                        "https_proxy, all_proxy, no_proxy",
                        "the way out, with [network] proxy = auto",
                    ),
                ),
                "FILES": (
                    *_PLACES,
                    *_SOCKETS,
                    (
                        "/var/lib/voiced",
                        (
                            "what a service keeps: the account of usage, the last probes, whether it is "
                            "muted; the conversation, if [privacy] keep_context wants that"
                        ),
                    ),
                ),
            },
            ("voicectl(1)", "voiced.toml(5)", "systemctl(1)"),
        ),
        "voicectl.1": Words(
            "see what voiced does, and tell it what to do",
            """
voicectl talks with a running voiced over its control socket. Whoever runs the daemon, and root,
may do everything; members of the group voiced may do what [control] group_may in voiced.toml(5)
says; others may do nothing.

watch draws the phase, the levels of both directions, the words as they grow, the delays of the
last turn, the link, what was used and what was lost, on any terminal from 60 columns on, at ten
frames a second at most, and sends only what has changed. q ends it, Ctrl-L draws all of it
again. A daemon that goes away is waited for. It needs the Python package rich (voiced[screen]).

events prints the same for programs, a JSON object a line. The language of the socket, JSON-RPC
2.0, is described in the README.
""",
            {
                "EXIT STATUS": (
                    ("0", "done"),
                    ("1", "refused or failed; a sentence on stderr says why"),
                    ("2", "the command line was not understood"),
                    ("69", "voiced is not running here, or has ended"),
                    ("130", "Ctrl-C"),
                ),
                "ENVIRONMENT": (
                    ("RUNTIME_DIRECTORY, XDG_RUNTIME_DIR", "where the socket is looked for"),
                    ("NO_COLOR", "if it is set, watch draws without colours"),
                ),
                "FILES": (*_SOCKETS, ("/run/voiced/control.sock", "that of the system's service")),
            },
            ("voiced(1)", "voiced.toml(5)"),
        ),
        "voiced.toml.5": Words(
            "settings of voiced",
            """
What voiced(1) is told to do stands in a TOML file: the one that --config names, or the first
that is found. What is left out keeps its default, so a file of three lines is a good file.

voiced config check names every mistake at once; voiced config show prints what is in effect. A
service reads the file again on SIGHUP (systemctl reload voiced).

Each key stands here with its default.
""",
            {"FILES": _PLACES},
            ("voiced(1)", "voicectl(1)"),
        ),
    }
)
