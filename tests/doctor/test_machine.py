"""The checks of machine and settings, each with its fault injected: figures are invented, sockets are real."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.edges.test_control_call import daemon
from tests.local.client import PATIENCE_S, serving
from voiced.config.file import load
from voiced.config.whole import Config
from voiced.control import address
from voiced.doctor.examination import chosen, examine
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.machine import House
from voiced.edges.machine import FileModes, Machine
from voiced.edges.probe_file import ProbeFile
from voiced.link.probes import Probe

NOW_S = 1_795_230_000.0  # in November 2026
ANSWER = b'{"jsonrpc": "2.0", "id": 1, "result": {"version": "1.0", "protocol": 1, "topics": []}}\n'


@attrs.frozen
class Told(Machine):
    """A machine as a test tells it; what is not told is as it is here."""

    facts: Mapping[str, Any] = attrs.field(factory=dict)

    def demanded(self) -> tuple[str, list[str]] | None:
        return self.facts.get("demanded", super().demanded())  # type: ignore[no-any-return]

    def installed(self, package: str) -> str | None:
        missing = package in self.facts.get("missing", ())
        return None if missing else super().installed(package)

    def wall_s(self) -> float:
        return float(self.facts.get("wall_s", NOW_S))

    def free_bytes(self, directory: Path) -> int:
        return int(self.facts.get("free_bytes", 1 << 40))

    def may_write(self, directory: Path) -> bool:
        return bool(self.facts.get("may_write", True))

    def available_bytes(self) -> int | None:
        return int(self.facts.get("available_bytes", 1 << 33))

    def modes(self, path: Path) -> FileModes | None:
        about = super().modes(path)
        uid = self.facts.get("owners", {}).get(path)
        return about if about is None or uid is None else attrs.evolve(about, uid=uid)

    async def unit(self, *, user: bool) -> Mapping[str, str] | str:
        await trio.lowlevel.checkpoint()
        told: dict[bool, Any] = self.facts.get("units", {})
        return told.get(user, {"LoadState": "not-found"})  # type: ignore[no-any-return]

    async def lingers(self) -> Mapping[str, str] | str:
        await trio.lowlevel.checkpoint()
        return {"Linger": "no"}


async def found(
    name: str,
    config: Config | None = None,
    place: Path | None = None,
    environ: Mapping[str, str] | None = None,
    **facts: Any,
) -> Finding:
    """What one check finds."""
    settings = config or Config()

    def read() -> tuple[Config, Path | None]:
        return (settings if place is None else load(place)), place

    house = House(read=read, environ=environ or {}, config=settings, machine=Told(facts))
    with trio.fail_after(PATIENCE_S):
        (finding,) = await examine(chosen(house.checks(), [name]))
    assert finding.verdict is not Verdict.FAILED or (finding.cause and finding.action)
    return finding


# --- settings -------------------------------------------------------------------------------------


async def test_good_settings(tmp_path: Path) -> None:
    place = tmp_path / "voiced.toml"
    place.write_text('[realtime]\nvoice = "cedar"\n')
    finding = await found("config", place=place)
    assert finding.verdict is Verdict.OK
    assert str(place) in finding.seen
    assert "defaults" in (await found("config")).seen


async def test_settings_that_can_not_be_used_are_told_whole(tmp_path: Path) -> None:
    place = tmp_path / "voiced.toml"
    place.write_text('[realtime]\nvoise = "cedar"\n[turns]\nthreshold = 7\n')
    finding = await found("config", place=place)
    assert finding.verdict is Verdict.FAILED
    assert "did you mean 'voice'?" in finding.seen
    assert "threshold" in finding.seen


@pytest.mark.parametrize("network", ['ca_file = "/nowhere.pem"', 'proxy_credentials_file = "/no"'])
async def test_what_settings_name_has_to_be_there(tmp_path: Path, network: str) -> None:
    place = tmp_path / "voiced.toml"
    place.write_text(f"[network]\n{network}\n")
    finding = await found("config", place=place)
    assert finding.verdict is Verdict.FAILED
    assert network.partition(" ")[0] in finding.seen


async def test_a_key_in_a_comment_that_others_may_read(tmp_path: Path) -> None:
    place = tmp_path / "voiced.toml"
    place.write_text("# the old key was sk-proj-abc123\n")
    place.chmod(0o644)
    finding = await found("config", place=place)
    assert finding.verdict is Verdict.WARNING
    assert f"chmod 0600 {place}" in finding.action
    assert "abc123" not in repr(finding)
    place.chmod(0o600)
    assert (await found("config", place=place)).verdict is Verdict.OK


async def test_a_key_file_that_others_may_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-proj-abc123\n")
    key.chmod(0o640)
    config = Config()
    config = attrs.evolve(config, auth=attrs.evolve(config.auth, key_file=str(key)))
    finding = await found("config", config)
    assert finding.verdict is Verdict.WARNING
    assert "mode 0640" in finding.seen
    key.chmod(0o400)
    assert (await found("config", config)).verdict is Verdict.OK


# --- what runs ------------------------------------------------------------------------------------


async def test_versions() -> None:
    assert (await found("versions")).verdict is Verdict.OK
    missing = await found("versions", missing={"soxr"})
    assert (missing.verdict, missing.seen) == (Verdict.FAILED, "soxr is missing")
    old = await found("versions", demanded=(">=99", ["trio>=99"]))
    assert old.verdict is Verdict.FAILED
    assert "trio" in old.seen
    assert "Python" in old.seen
    assert (await found("versions", demanded=None)).verdict is Verdict.SKIPPED


def at(port: int) -> Config:
    config = Config()
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    return attrs.evolve(config, realtime=attrs.evolve(config.realtime, url=url))


@pytest.mark.parametrize(
    ("ours_s", "verdict"),
    [
        (NOW_S + 2, Verdict.OK),
        (NOW_S - 900, Verdict.WARNING),
        (NOW_S + 90_000, Verdict.FAILED),
        (0.0, Verdict.FAILED),
    ],
)
async def test_the_clock_is_held_against_the_services(ours_s: float, verdict: Verdict) -> None:
    async with serving(now_s=lambda: NOW_S) as port:
        assert (await found("clock", at(port), wall_s=ours_s)).verdict is verdict


async def test_without_the_service_the_year_has_to_do() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # and nobody listens
        config = at(door.getsockname()[1])
        finding = await found("clock", config)
        assert finding.verdict is Verdict.OK
        assert "not compared" in finding.seen
        assert (await found("clock", config, wall_s=1e9)).verdict is Verdict.FAILED


def runtime(folder: Path) -> tuple[Path, dict[str, str]]:
    """Where the socket is to be, and how one finds it."""
    directory = folder / "run"
    directory.mkdir(mode=0o750)
    return directory / "control.sock", {"RUNTIME_DIRECTORY": str(directory)}


async def test_the_daemon_answers(tmp_path: Path) -> None:
    path, environ = runtime(tmp_path)
    async with daemon(path, ANSWER):
        finding = await found("control socket", environ=environ)
    assert finding.verdict is Verdict.OK
    assert finding.figures == {"version": "1.0", "protocol": 1}


async def test_everybody_may_enter_its_directory(tmp_path: Path) -> None:
    path, environ = runtime(tmp_path)
    path.parent.chmod(0o755)
    async with daemon(path, ANSWER):
        finding = await found("control socket", environ=environ)
    assert finding.verdict is Verdict.WARNING
    assert f"chmod 0750 {path.parent}" in finding.action


async def test_its_directory_is_somebody_elses(tmp_path: Path) -> None:
    path, environ = runtime(tmp_path)
    async with daemon(path, ANSWER):
        owners = {path: 1000, path.parent: 1001}
        finding = await found("control socket", environ=environ, owners=owners)
        assert finding.verdict is Verdict.WARNING
        assert "uid 1001" in finding.seen
        owners = {path: 1000, path.parent: 0}
        finding = await found("control socket", environ=environ, owners=owners)
        assert finding.verdict is Verdict.OK


async def test_something_else_answers_there(tmp_path: Path) -> None:
    path, environ = runtime(tmp_path)
    async with daemon(path, b"220 mail ready\n"):
        finding = await found("control socket", environ=environ)
    assert finding.verdict is Verdict.FAILED
    assert "is not voiced" in finding.seen


async def test_the_daemon_has_died(tmp_path: Path) -> None:
    path, environ = runtime(tmp_path)
    async with daemon(path):
        pass
    finding = await found("control socket", environ=environ)
    assert finding.verdict is Verdict.WARNING
    assert finding.action == "start voiced again"


async def test_no_daemon_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "SYSTEM", tmp_path / "system.sock")
    monkeypatch.setattr(address, "_temporary", lambda _uid: tmp_path / "own.sock")
    finding = await found("control socket", environ={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert finding.verdict is Verdict.SKIPPED
    assert str(tmp_path / "voiced" / "control.sock") in finding.seen


RUNS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "WatchdogUSec": "30s",
}


async def test_the_service() -> None:
    assert (await found("service", units={False: RUNS})).verdict is Verdict.OK
    unwatched = {**RUNS, "WatchdogUSec": "0"}
    assert (await found("service", units={False: unwatched})).verdict is Verdict.WARNING
    of_user = await found("service", units={True: RUNS})
    assert (of_user.verdict, of_user.action) == (Verdict.WARNING, "loginctl enable-linger")
    failed = {**RUNS, "ActiveState": "failed", "Result": "watchdog"}
    assert (await found("service", units={False: failed})).verdict is Verdict.FAILED
    assert "not installed" in (await found("service")).seen


async def test_without_systemd_that_is_said() -> None:
    sentence = "systemctl can't be run: No such file or directory"
    finding = await found("service", units={False: sentence, True: sentence})
    assert (finding.verdict, finding.seen) == (Verdict.SKIPPED, sentence)


# --- what it runs on ------------------------------------------------------------------------------


async def test_a_full_disk(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    assert (await found("disk", environ=environ)).verdict is Verdict.OK
    full = await found("disk", environ=environ, free_bytes=4096)
    assert full.verdict is Verdict.FAILED
    assert str(tmp_path) in full.seen
    assert (await found("disk", environ=environ, may_write=False)).verdict is Verdict.WARNING
    assert (await found("disk", environ={})).verdict is Verdict.WARNING


async def test_too_little_memory() -> None:
    assert (await found("memory")).verdict is Verdict.OK
    assert (await found("memory", available_bytes=20 << 20)).verdict is Verdict.FAILED


async def test_what_probes_found(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    assert (await found("probes", environ=environ)).verdict is Verdict.SKIPPED
    ProbeFile(tmp_path).add(Probe(at="2026-11-21T06:00:00+00:00", verdict="failed", code="1006"))
    finding = await found("probes", environ=environ)
    assert finding.verdict is Verdict.WARNING
    assert "1006" in finding.seen
    (tmp_path / "probes.jsonl").chmod(0o644)
    assert (await found("probes", environ=environ)).verdict is Verdict.SKIPPED
