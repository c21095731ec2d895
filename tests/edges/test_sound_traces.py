"""What betrays that cards and servers came or went."""

import socket
from pathlib import Path

from voiced.edges.sound_traces import SoundTraces


def traces(root: Path) -> SoundTraces:
    return SoundTraces({"XDG_RUNTIME_DIR": str(root / "run")}, root)


def serve(path: Path) -> None:
    """A server's socket, as it is left when the server is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_where_nothing_is_there_are_none(tmp_path: Path) -> None:
    assert traces(tmp_path).look() == frozenset()
    assert SoundTraces({}, tmp_path).look() == frozenset()


def test_a_card_that_comes_and_goes_leaves_them(tmp_path: Path) -> None:
    card = tmp_path / "dev/snd/pcmC1D0c"
    card.parent.mkdir(parents=True)
    (card.parent / "controlC0").touch()
    before = traces(tmp_path).look()
    assert before == traces(tmp_path).look()
    card.touch()
    plugged = traces(tmp_path).look()
    assert plugged != before
    card.chmod(0o660)  # as udev does, a moment later: only now it can be opened
    assert traces(tmp_path).look() != plugged
    card.unlink()
    assert traces(tmp_path).look() == before


def test_so_does_a_server(tmp_path: Path) -> None:
    seen = [traces(tmp_path).look()]
    for path in (tmp_path / "run/pulse/native", tmp_path / "run/pipewire-0"):
        serve(path)
        seen.append(traces(tmp_path).look())
    assert len(set(seen)) == 3


def test_one_that_the_environment_names_counts(tmp_path: Path) -> None:
    serve(tmp_path / "own")
    for server in (f"unix:{tmp_path}/own", f"{{machine}}{tmp_path}/own"):
        assert len(SoundTraces({"PULSE_SERVER": server}, tmp_path).look()) == 1
    assert SoundTraces({"PULSE_SERVER": "kitchen:4713"}, tmp_path).look() == frozenset()
