"""Looking around: real sockets and files, in a small root of their own."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from voiced.edges import sound_server
from voiced.edges.sound_server import Access, Address, Reach, SoundServer, pulse_address, reach

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7d10000 irq 30
 1 [Speakerphone   ]: USB-Audio - Jabra SPEAK 510
                      Jabra at usb-0000:00:14.0-2, full speed
"""
STATUS = "state: RUNNING\nowner_pid   : 812\ntrigger_time: 5.1\n"
OURSELVES = Path("/proc/self/comm").read_text().strip()


def listening(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    plug = socket.socket(socket.AF_UNIX)
    plug.bind(str(path))
    plug.listen()
    return plug


def written(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def around(root: Path, **environ: str) -> SoundServer:
    values: Mapping[str, str] = {"HOME": str(root / "home"), **environ}
    return SoundServer(values, root)


async def test_a_desktop_is_seen_whole(tmp_path: Path) -> None:
    uid = os.getuid()
    runtime = tmp_path / "run/user" / str(uid)
    written(tmp_path / "home/.config/pulse/cookie", "secret")
    written(tmp_path / "proc/asound/cards", CARDS)
    written(tmp_path / "proc/asound/card0/pcm0c/sub0/status", STATUS)
    written(tmp_path / "proc/asound/card0/pcm0p/sub0/status", "closed\n")
    written(tmp_path / "proc/812/comm", "vlc\n")
    written(tmp_path / "dev/snd/pcmC0D0c")
    written(tmp_path / "usr/lib/x86_64-linux-gnu/alsa-lib/libasound_module_pcm_pulse.so")
    with listening(runtime / "pulse/native"), listening(runtime / "pipewire-0"):
        seen = await around(tmp_path, XDG_RUNTIME_DIR=str(runtime)).look()
    assert (seen.pulse, seen.pipewire) == (Reach.ANSWERS, Reach.ANSWERS)
    assert seen.pulse_at == str(runtime / "pulse/native")
    assert seen.pulse_peer == OURSELVES
    assert not seen.pulse_elsewhere
    assert seen.usual_runtime_directory
    assert seen.cookie is Access.ALLOWED
    assert seen.cards == ("HDA-Intel - HDA Intel PCH", "USB-Audio - Jabra SPEAK 510")
    assert seen.card_devices is Access.ALLOWED
    assert seen.holders == ("vlc (pid 812) holds card0/pcm0c",)
    assert seen.plugins == ("pulse",)
    assert not seen.lingers
    assert "secret" not in repr(seen)


async def test_an_empty_machine_is_seen_empty(tmp_path: Path) -> None:
    seen = await around(tmp_path).look()
    assert (seen.pulse, seen.pipewire) == (Reach.ABSENT, Reach.ABSENT)
    assert (seen.cookie, seen.card_devices) == (Access.ABSENT, Access.ABSENT)
    assert seen.cards == seen.holders == seen.plugins == ()
    assert not seen.usual_runtime_directory
    assert seen.pulse_at == ""


async def test_a_server_that_our_environment_does_not_lead_to_is_seen(tmp_path: Path) -> None:
    with listening(tmp_path / "run/user" / str(os.getuid()) / "pulse/native"):
        seen = await around(tmp_path).look()
    assert seen.pulse is Reach.ABSENT
    assert seen.pulse_elsewhere


async def test_who_lingers_is_known_by_systemds_own_mark(tmp_path: Path) -> None:
    seen = await around(tmp_path).look()
    written(tmp_path / "var/lib/systemd/linger" / seen.user)
    assert (await around(tmp_path).look()).lingers


async def test_pulse_server_and_cookie_can_be_named(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere")
    with listening(tmp_path / "socket"):
        seen = await around(
            tmp_path,
            PULSE_SERVER=f"unix:{tmp_path / 'socket'}",
            PULSE_COOKIE=str(tmp_path / "elsewhere"),
        ).look()
    assert seen.pulse is Reach.ANSWERS
    assert seen.cookie is Access.ALLOWED


async def test_a_socket_at_which_nobody_listens_refuses(tmp_path: Path) -> None:
    listening(tmp_path / "native").close()
    assert await reach(tmp_path / "native") == (Reach.REFUSED, "")


async def test_a_server_on_the_network_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert await reach(address) == (Reach.ANSWERS, "")
    assert (await reach(address))[0] is not Reach.ANSWERS


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(13, "denied"), Reach.FORBIDDEN),
        (OSError(113, "no route"), Reach.ABSENT),
        (None, Reach.SILENT),
    ],
)
async def test_what_can_go_wrong_at_a_socket_is_told_apart(
    autojump_clock: object,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError | None,
    expected: Reach,
) -> None:
    async def connect(_path: Path) -> tuple[Reach, str]:
        if error is not None:
            raise error
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(sound_server, "_connect_unix", connect)
    assert await reach(Path("/x")) == (expected, "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/user/1000/pulse/native", Path("/run/user/1000/pulse/native")),
        ("/tmp/pulse", Path("/tmp/pulse")),
        ("{0123abcd}unix:/tmp/pulse tcp:attic", Path("/tmp/pulse")),
        ("tcp:attic:4000", ("attic", 4000)),
        ("tcp:attic", ("attic", 4713)),
        ("attic", ("attic", 4713)),
        ("tcp6:[::1]:4000", ("::1", 4000)),
        ("tcp6:::1", ("::1", 4713)),
        ("unix:", None),
        ("tcp:", None),
        ("tcp:attic:99999", None),
        ("attic:²", ("attic:²", 4713)),
        ("  ", None),
    ],
)
def test_pulse_server_is_read_as_libpulse_reads_it(text: str, address: Address | None) -> None:
    assert pulse_address(text) == address
