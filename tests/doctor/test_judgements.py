"""What figures of a machine mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.doctor import judgements
from voiced.doctor.finding import Verdict
from voiced.edges.machine import Machine
from voiced.link.probes import Probe

MB = 1 << 20
OK, WARNING, FAILED, SKIPPED = Verdict.OK, Verdict.WARNING, Verdict.FAILED, Verdict.SKIPPED


@pytest.mark.parametrize(
    ("version", "demand", "met"),
    [
        ("25.1", ">=25.1", True),
        ("25.1.0", ">=25.1", True),
        ("25.0.9", ">=25.1", False),
        ("1.10", ">=1.9", True),
        ("1.1.0", ">=1.1,<2", True),
        ("2.0", ">=1.1,<2", False),
        ("2.0", "<2", False),
        ("0.31.0rc1", ">=0.31", True),
        ("3.11.7", ">=3.11", True),
        ("3.10.12", ">=3.11", False),
        ("1.4.5", "~=1.4.2", True),
        ("1.5.0", "~=1.4.2", False),
        ("1.0", "==1", True),
        ("1.0", "!=1", False),
        ("7", "", True),
    ],
)
def test_whether_a_version_will_do(version: str, demand: str, met: bool) -> None:
    assert judgements.is_met(version, demand) is met


def test_demands_are_read_as_they_stand_in_metadata() -> None:
    lines = [
        "attrs>=25.1",
        "soxr<2,>=1.1",
        "trio (>=0.31)",
        "h11",
        'pocketsphinx>=5.1; extra == "local"',
        "openai[realtime]>=3.40; extra == 'test'",
    ]
    assert judgements.packages_of(lines) == {
        "attrs": ">=25.1",
        "soxr": "<2,>=1.1",
        "trio": ">=0.31",
        "h11": "",
    }


def test_what_this_very_machine_has_is_as_demanded() -> None:
    machine = Machine()
    demanded = machine.demanded()
    assert demanded is not None
    packages = judgements.packages_of(demanded[1])
    assert {"trio", "numpy", "soxr"} <= packages.keys()
    installed = {name: (demand, machine.installed(name)) for name, demand in packages.items()}
    assert judgements.versions(machine.python(), demanded[0], installed).verdict is OK


def test_a_library_that_is_missing_or_too_old_is_named() -> None:
    packages = {"soxr": (">=1.1,<2", None), "trio": (">=0.31", "0.22.0"), "h11": (">=0.14", "1")}
    finding = judgements.versions("3.11.7", ">=3.11", packages)
    assert finding.verdict is FAILED
    assert finding.seen == "soxr is missing; trio 0.22.0, not >=0.31"
    assert finding.action
    assert judgements.versions("3.9.2", ">=3.11", {}).seen == "Python 3.9.2, not >=3.11"


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_version_and_no_demand_is_too_odd(version: str, demand: str) -> None:
    judgements.is_met(version, demand)
    judgements.packages_of([demand])


YEARS = (2026, 2046)


@pytest.mark.parametrize(
    ("off_s", "year", "verdict", "said"),
    [
        (0.4, 2026, OK, "0 s from"),
        (-29, 2026, OK, "29 s from"),
        (45, 2026, WARNING, "45 s ahead of"),
        (-3600, 2026, WARNING, "3600 s behind"),
        (2 * 86_400, 2026, FAILED, "ahead of"),
        (None, 2026, OK, "not compared with the service's: no route"),
        (None, 1970, FAILED, "says that it is 1970"),
        (0, 2001, FAILED, "says that it is 2001"),
    ],
)
def test_the_clock(off_s: float | None, year: int, verdict: Verdict, said: str) -> None:
    finding = judgements.clock(off_s, year, YEARS, unheard="no route")
    assert finding.verdict is verdict
    assert said in finding.seen
    assert bool(finding.action) is (verdict is not OK)


@pytest.mark.parametrize(
    ("free_mb", "writable", "verdict"),
    [
        (5000, True, OK),
        (99, True, WARNING),
        (1, True, FAILED),
        (0, False, FAILED),
        (500, False, WARNING),
    ],
)
def test_a_disk(free_mb: int, writable: bool, verdict: Verdict) -> None:
    finding = judgements.disk(free_mb * MB, "/var/lib/voiced", writable=writable)
    assert finding.verdict is verdict
    assert finding.figures == {"free_mb": free_mb}
    assert bool(finding.action) is (verdict is not OK)


@pytest.mark.parametrize(
    ("available", "verdict"),
    [(None, SKIPPED), (4000 * MB, OK), (149 * MB, WARNING), (49 * MB, FAILED)],
)
def test_memory(available: int | None, verdict: Verdict) -> None:
    finding = judgements.memory(available)
    assert finding.verdict is verdict
    assert bool(finding.action) is (verdict in {WARNING, FAILED})


RUNS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "WatchdogUSec": "30s",
}


@pytest.mark.parametrize(
    ("told", "user", "lingers", "verdict", "said"),
    [
        (RUNS, False, "", OK, "watchdog 30s"),
        (RUNS, True, "yes", OK, "user's"),
        (RUNS, True, "no", WARNING, "enable-linger"),
        ({**RUNS, "NRestarts": "3"}, False, "", OK, "started again 3 times"),
        ({**RUNS, "WatchdogUSec": "0"}, False, "", WARNING, "its watchdog is off"),
        ({**RUNS, "WatchdogUSec": "infinity"}, False, "", WARNING, "its watchdog is off"),
        ({**RUNS, "ActiveState": "inactive"}, False, "", WARNING, "enable --now voiced"),
        ({**RUNS, "ActiveState": "failed", "Result": "exit-code"}, False, "", FAILED, "exit-code"),
        ({**RUNS, "ActiveState": "failed"}, True, "", FAILED, "journalctl --user"),
    ],
)
def test_the_service(
    told: dict[str, str], user: bool, lingers: str, verdict: Verdict, said: str
) -> None:
    finding = judgements.unit(told, user=user, lingers=lingers)
    assert finding.verdict is verdict
    assert said in f"{finding.seen} {finding.cause} {finding.action}"
    assert bool(finding.action) is (verdict is not OK)


def test_the_last_probes() -> None:
    fine = Probe(at="2026-11-21T06:00:00+00:00", verdict="ok")
    bad = Probe(at="2026-11-21T07:00:00+00:00", verdict="failed", code="1006")
    assert judgements.probes(()).verdict is SKIPPED
    assert judgements.probes((bad, fine)).verdict is OK
    failed = judgements.probes((fine, fine, bad))
    assert failed.verdict is WARNING
    assert "2 of the last 3 were fine" in failed.seen
    assert "failed (1006)" in failed.seen
