"""What the daemon tells monitoring: which numbers there are, what they are called, and what they mean.

Law of this file: these names are public, as the settings are; dashboards and alerts of others lean on
them. `config/grafana-dashboard.json` and `config/prometheus-alerts.yml` are ours; a test holds them to this.

Nothing begins with `process_`: node_exporter, which may read these from a file, has such names of its
own, and refuses a page that gives one of them a second meaning.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from voiced.account.budget import Level
from voiced.account.prices import Bill
from voiced.account.report import Report
from voiced.account.usage import TOKENS, Kind
from voiced.metrics.exposition import Family, Sample, counter, gauge, histogram, render
from voiced.metrics.histogram import Durations
from voiced.turns.figures import Outcome
from voiced.verdicts import Known

_EVENTS: Final = "Moments of the timeline by name; cut is an answer that was interrupted"


@frozen
class Resources:
    """What the process takes of the machine."""

    cpu_s: float  # user and system, all threads
    resident_bytes: int
    pss_bytes: (
        int | None
    )  # what is shared with others counts in parts; None: the kernel does not say
    open_files: int
    threads: int


@frozen(kw_only=True)
class Facts:
    """All that goes on the page. Names of phases, moments and devices are their enums' values."""

    version: str
    python: str
    unix_s: float  # the wall clock
    uptime_s: float  # of this life of the daemon
    phase: str
    phases_s: Mapping[str, float]  # how long in each, all of them named
    moments: Mapping[str, int]  # all of them named
    reconnects: int
    attempts: int
    strikes: int
    pause_s: float  # until the next attempt; 0: there is no pause
    faults: Mapping[Known, int]
    devices: Mapping[str, bool]  # all of them named: does it work?
    turns: Mapping[Outcome, int]
    tallies: Mapping[str, int]
    losses: Mapping[str, int]
    usage: Report
    durations: Durations
    resources: Resources | None = None
    scrapes: Mapping[int, int] = field(factory=dict)  # answers by HTTP status


def page(facts: Facts) -> bytes:
    """The page of numbers, in text format 0.0.4."""
    return render(families(facts))


def families(facts: Facts) -> Iterator[Family]:
    """Everything on it, in order."""
    yield from _life(facts)
    yield from _link(facts)
    yield from _conversation(facts)
    yield from _losses(facts)
    yield from _usage(facts.usage)
    yield from _durations(facts.durations)
    yield from _process(facts)


def _life(facts: Facts) -> Iterator[Family]:
    about = {"version": facts.version, "python": facts.python}
    yield gauge("voiced_build_info", "What runs; always 1", Sample(1, about))
    yield gauge(
        "voiced_uptime_seconds",
        "Since the start, or since settings that wanted a new start of all but the process",
        Sample(facts.uptime_s),
    )
    yield gauge(
        "voiced_last_update_timestamp_seconds",
        "When these numbers were read: a file of them may be older than its reader thinks",
        Sample(facts.unix_s),
    )
    yield gauge(
        "voiced_phase",
        "1 for the phase of now, 0 for all others",
        *(Sample(int(phase == facts.phase), {"phase": phase}) for phase in facts.phases_s),
    )
    yield counter(
        "voiced_phase_seconds_total",
        "Time spent in each phase",
        *_by("phase", facts.phases_s),
    )


def _link(facts: Facts) -> Iterator[Family]:
    yield counter(
        "voiced_link_attempts_total", "Connections that were tried", Sample(facts.attempts)
    )
    yield counter(
        "voiced_reconnects_total",
        "Sessions opened after one had been lost; renewals, which nobody notices, are events",
        Sample(facts.reconnects),
    )
    yield gauge("voiced_link_strikes", "Faults in a row", Sample(facts.strikes))
    yield gauge(
        "voiced_cooldown_remaining_seconds",
        "Until the next attempt, while there is a pause; else 0",
        Sample(facts.pause_s),
    )
    yield counter(
        "voiced_faults_total",
        "Faults that ended a session, or kept one from being opened; `voiced faults` explains the codes",
        *(
            Sample(
                count,
                {"kind": fault.kind, "code": fault.key, "verdict": fault.verdict.name.lower()},
            )
            for fault, count in sorted(facts.faults.items(), key=lambda item: str(item[0]))
        ),
    )
    yield gauge(
        "voiced_device_up",
        "1: the device is open and gives or takes sound; 0: it is lost, or was not opened yet",
        *(Sample(int(works), {"device": name}) for name, works in facts.devices.items()),
    )


def _conversation(facts: Facts) -> Iterator[Family]:
    turns = {outcome.value: facts.turns.get(outcome, 0) for outcome in Outcome}
    yield counter("voiced_turns_total", "Turns by what became of them", *_by("outcome", turns))
    events = {name.replace(" ", "_"): count for name, count in facts.moments.items()}
    yield counter("voiced_events_total", _EVENTS, *_by("event", events))


def _losses(facts: Facts) -> Iterator[Family]:
    losses = {name.replace(" ", "_"): count for name, count in facts.losses.items()}
    yield counter(
        "voiced_losses_total",
        "What was lost, by name: sound, words or events; in good times none of them grows",
        *_by("name", losses),
    )
    yield counter(
        "voiced_tally_total",
        "Every tally of the daemon by name, losses among them; their units differ, so do not add them up",
        *_by("name", facts.tallies),
    )


def _usage(usage: Report) -> Iterator[Family]:
    used, cost = usage.life.used, usage.life.cost
    yield counter(
        "voiced_tokens_total",
        "Tokens since the start, by kind",
        *_by("kind", {kind.value: used.of(kind) for kind in TOKENS}),
    )
    yield counter(
        "voiced_transcription_seconds_total",
        "Speech written down by a model that is billed by time",
        Sample(used.of(Kind.TRANSCRIPTION_MS) / 1000),
    )
    yield counter(
        "voiced_cost_total",
        "Cost since the start by [prices]; see voiced_cost_complete",
        Sample(cost.amount, {"currency": cost.currency}),
    )
    yield gauge(
        "voiced_cost_complete",
        "1: all that was used since the start has a price; 0: it cost more than is told",
        Sample(int(cost.whole)),
    )
    periods = {"session": usage.session, "today": usage.today, "month": usage.month}
    yield gauge(
        "voiced_usage_tokens",
        "Tokens of this session, day and month, as `voiced` keeps account of them over restarts",
        *(Sample(bill.used.tokens, {"period": period}) for period, bill in periods.items()),
    )
    yield gauge(
        "voiced_usage_cost",
        "The same in money",
        *(_cost(bill, period) for period, bill in periods.items()),
    )
    share = usage.budget.share
    yield gauge(
        "voiced_budget_used_ratio",
        "Used of the limit in [budget] that is nearest; absent without limits",
        *([] if share is None else [Sample(share)]),
    )
    yield gauge(
        "voiced_budget_spent",
        "1: nobody is conversed with until there is budget again",
        Sample(int(usage.budget.level is Level.SPENT)),
    )


def _durations(durations: Durations) -> Iterator[Family]:
    yield histogram(
        "voiced_response_latency_seconds",
        "From the end of the user's speech to the first sound of the answer",
        Sample(durations.latency.freeze()),
    )
    yield histogram(
        "voiced_turn_step_seconds",
        "The same by steps, each from the one before that is known",
        *(Sample(each.freeze(), {"step": step.value}) for step, each in durations.steps.items()),
    )
    yield histogram(
        "voiced_barge_in_silence_seconds",
        "An interruption: from speech_started to the last audible sample of the answer",
        Sample(durations.silence.freeze()),
    )
    yield histogram(
        "voiced_session_opening_seconds",
        "From dialling to the moment when sound may go up",
        Sample(durations.opening.freeze()),
    )
    yield histogram(
        "voiced_mouth_to_wire_seconds",
        "How old each 20 ms of speech were when the socket took them, counted from the microphone's block",
        Sample(durations.mouth_to_wire.freeze()),
    )


def _process(facts: Facts) -> Iterator[Family]:
    taken = facts.resources
    if taken is not None:
        yield counter(
            "voiced_process_cpu_seconds_total",
            "Processor time, user and system",
            Sample(taken.cpu_s),
        )
        yield gauge(
            "voiced_process_resident_memory_bytes",
            "Memory in use, shared pages in full",
            Sample(taken.resident_bytes),
        )
        yield gauge(
            "voiced_process_pss_bytes",
            "Memory in use, shared pages in parts",
            *([] if taken.pss_bytes is None else [Sample(taken.pss_bytes)]),
        )
        yield gauge("voiced_process_open_fds", "Open files", Sample(taken.open_files))
        yield gauge("voiced_process_threads", "Threads", Sample(taken.threads))
    yield counter(
        "voiced_scrapes_total",
        "Answers of this page's own server, by HTTP status",
        *_by("code", {str(status): count for status, count in facts.scrapes.items()}),
    )


def _by(label: str, numbers: Mapping[str, float]) -> Iterator[Sample]:
    return (Sample(number, {label: name}) for name, number in numbers.items())


def _cost(bill: Bill, period: str) -> Sample:
    return Sample(bill.cost.amount, {"period": period, "currency": bill.cost.currency})
