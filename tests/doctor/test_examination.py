"""The runner: order, time limits, what stands on what, and that no bug becomes a finding."""

import pytest
import trio

from voiced.doctor.examination import Check, chosen, examine
from voiced.doctor.finding import Finding, Verdict
from voiced.faults import ConfigError, LinkRefused, LocalProtocolError, VoicedError


def found(verdict: Verdict) -> Finding:
    return Finding(check="", verdict=verdict, seen="seen", action="act")


def ends(name: str, verdict: Verdict, *needs: str) -> Check:
    async def look() -> Finding:
        await trio.lowlevel.checkpoint()
        return found(verdict)

    return Check(name, look, needs)


def fails(name: str, error: BaseException, *needs: str) -> Check:
    async def look() -> Finding:
        async with trio.open_nursery():  # as whatever opens a connection does
            raise error

    return Check(name, look, needs)


def takes(name: str, seconds: float, limit_s: float | None = None) -> Check:
    async def look() -> Finding:
        await trio.sleep(seconds)
        return found(Verdict.OK)

    return Check(name, look, limit_s=limit_s)


async def test_it_goes_on_after_failures_and_skips_what_stands_on_them() -> None:
    findings = await examine(
        [
            ends("a", Verdict.FAILED),
            ends("b", Verdict.OK, "a"),
            ends("c", Verdict.OK, "b"),
            ends("d", Verdict.OK),
            fails("e", LinkRefused(401, "the service answered HTTP 401"), "d"),
            ends("f", Verdict.OK, "e", "a"),
        ]
    )
    assert [(each.check, each.verdict.value) for each in findings] == [
        ("a", "failed"),
        ("b", "skipped"),
        ("c", "skipped"),
        ("d", "ok"),
        ("e", "failed"),
        ("f", "skipped"),
    ]
    told = {each.check: each for each in findings}
    assert told["c"].seen == "not looked at: a comes first"
    assert told["f"].seen == "not looked at: e comes first"
    assert told["e"].cause == "the key was refused"
    assert told["e"].action


@pytest.mark.parametrize("verdict", [Verdict.SKIPPED, Verdict.WARNING])
async def test_what_skips_itself_or_warns_holds_nobody_up(verdict: Verdict) -> None:
    findings = await examine([ends("proxy", verdict), ends("tls", Verdict.OK, "proxy")])
    assert findings[1].verdict is Verdict.OK


async def test_a_check_that_hangs_is_told_and_left(autojump_clock: trio.testing.MockClock) -> None:
    findings = await examine(
        [takes("slow", 100), takes("patient", 100, limit_s=200), takes("quick", 1.5)], limit_s=5
    )
    slow, patient, quick = findings
    assert (slow.verdict, slow.seen, slow.took_ms) == (
        Verdict.FAILED,
        "no answer within 5 s",
        5000.0,
    )
    assert slow.action
    assert (patient.verdict, patient.took_ms) == (Verdict.OK, 100_000.0)
    assert (quick.verdict, quick.took_ms) == (Verdict.OK, 1500.0)


async def test_each_is_told_as_soon_as_it_is_there(
    autojump_clock: trio.testing.MockClock,
) -> None:
    told: list[tuple[str, float]] = []
    began_s = trio.current_time()

    def tell(finding: Finding) -> None:
        told.append((finding.check, trio.current_time() - began_s))

    await examine([takes("a", 1), takes("b", 2)], tell=tell)
    assert told == [("a", 1.0), ("b", 3.0)]


@pytest.mark.parametrize("bug", [ZeroDivisionError("a bug"), LocalProtocolError("out of turn")])
async def test_bugs_are_no_findings(bug: Exception) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await examine([fails("a", bug)])
    assert raised.group_contains(type(bug))


@pytest.mark.parametrize(
    "fault", [ConfigError(["[auth] is wrong", "and so is [turns]"]), VoicedError("of no kind")]
)
async def test_every_fault_has_a_cause_and_something_to_do(fault: VoicedError) -> None:
    (finding,) = await examine([fails("a", fault)])
    assert finding.verdict is Verdict.FAILED
    assert finding.seen
    assert "\n" not in finding.seen
    assert finding.cause
    assert finding.action


def test_some_can_be_chosen_with_all_that_they_stand_on() -> None:
    checks = [
        ends("a", Verdict.OK),
        ends("b", Verdict.OK, "a"),
        ends("c", Verdict.OK),
        ends("d", Verdict.OK, "b"),
    ]
    assert [check.name for check in chosen(checks, ["d"])] == ["a", "b", "d"]
    with pytest.raises(KeyError, match="z"):
        chosen(checks, ["z"])
