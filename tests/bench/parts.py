"""All that is measured: parts, rows in them, and how often each is done."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from tests.bench import (
    answers,
    confirmed,
    cost,
    dead,
    echo,
    outages,
    renewal,
    replug,
    start,
    turns,
    wake,
)
from tests.bench.crowd import crowded
from tests.bench.stage import Facts, Series
from tests.rig import Room
from voiced.audio.echo.handling import EchoMode

Measured: TypeAlias = Series | Facts | tuple[Series, Facts]

_FIXED: Final = "[playout]\nmin_ms = 60\nmax_ms = 60\n"  # as short as the adaptive one begins
_CANCELLED: Final = '[echo]\nmode = "webrtc"\n'
_LOWEST: Final = '[playout]\nlatency = "lowest"\n'


@attrs.frozen
class Runs:
    """How often each thing is done, and for how long."""

    starts: int
    turns: int
    moments: int
    shorts: int
    confirmed: int
    long_s: int
    cost_rounds: int
    cost_s: float
    outage_rounds: int
    abreast: int  # daemons side by side, where most of the time is spent waiting
    stall_minutes: float
    replugs: int
    wake_s: float  # of other sound that wakes nobody
    echo_s: float  # of an answer that nobody interrupts


FULL: Final = Runs(12, 25, 204, 20, 20, 60, 4, 15.0, 2, 3, 2.0, 5, 600.0, 600.0)
QUICK: Final = Runs(2, 2, 18, 2, 2, 6, 1, 3.0, 1, 1, 0.5, 1, 60.0, 60.0)


@attrs.frozen
class Row:
    """One thing that is measured."""

    name: str
    measure: Callable[[Room], Measured]
    targets: Mapping[str, str] = attrs.field(factory=dict)  # what some of the numbers should be


def parts(runs: Runs, long_minutes: float | None) -> Mapping[str, list[Row]]:
    """All that is measured, by what `--only` calls it."""

    def turn(name: str, delivery: turns.Delivery) -> Row:
        return Row(name, lambda rig: turns.interrupted(rig, runs.turns, delivery))

    def short(ms: int) -> Row:
        return Row(f"answers of {ms} ms", lambda rig: answers.short(rig, ms, runs.shorts))

    def long(name: str, network: answers.Network, toml: str = "") -> Row:
        return Row(
            f"{runs.long_s} s answer, {name}",
            lambda rig: answers.long(rig, runs.long_s, network, toml),
        )

    steady = attrs.evolve(turns.STEADY, aloud=True)

    def outage(name: str, seconds: float, rounds: int, *, again: bool = False) -> Row:
        plan = outages.Plan(seconds, rounds, runs.abreast, again)
        return Row(name, lambda rig: outages.outages(rig, plan), outages.TARGETS)

    def alone(rig: Room, toml: str = "") -> Measured:
        return turns.interrupted(rig, runs.turns, attrs.evolve(steady, toml=toml))

    def watched(rig: Room) -> Measured:
        return crowded(rig, lambda toml: alone(rig, toml))

    def heard_alone(rig: Room, toml: str = "") -> Measured:
        return answers.long(rig, runs.long_s, answers.BURSTS, toml)

    def heard_watched(rig: Room) -> Measured:
        return crowded(rig, lambda toml: heard_alone(rig, toml))

    table = {
        "start": [Row("start", lambda rig: start.start(rig, runs.starts))],
        "turns": [
            turn("interrupted", steady),
            turn("interrupted, one core busy", attrs.evolve(steady, busy=True)),
            turn('interrupted, latency = "lowest"', attrs.evolve(turns.STEADY, toml=_LOWEST)),
            turn("interrupted, echo cancelled", attrs.evolve(steady, toml=_CANCELLED)),
            turn("interrupted after a 2 s stall", turns.STALLED),
            turn("interrupted after four refills", turns.REFILLED),
        ],
        "moments": [
            Row("interrupted at random", lambda rig: turns.at_random(rig, runs.moments)),
        ],
        "short": [short(100), short(300), short(600)],
        "answers": [
            long("in bursts, 4x real time", answers.BURSTS),
            long("+-80 ms jitter", answers.JITTER),
            long("+-80 ms jitter, buffer fixed at 60 ms", answers.JITTER, _FIXED),
            long("300 ms stalls", answers.STALLS),
            long("300 ms stalls, buffer fixed at 60 ms", answers.STALLS, _FIXED),
        ],
        "confirmed": [
            Row("confirmed: a cough", lambda rig: confirmed.coughs(rig, runs.confirmed)),
            Row('confirmed: "stop, wait"', lambda rig: confirmed.stops(rig, runs.confirmed)),
        ],
        "cost": [
            Row("cost", lambda rig: cost.cost(rig, runs.cost_s, runs.cost_rounds)),
            Row(
                'cost, latency = "lowest"',
                lambda rig: cost.talking(rig, runs.cost_s, runs.cost_rounds, _LOWEST),
            ),
            Row(
                "cost, echo cancelled",
                lambda rig: cost.cancelling(rig, runs.cost_s, runs.cost_rounds),
            ),
        ],
        "size": [Row("install", lambda _rig: start.size())],
        "outages": [
            outage("outage of 3 s", 3.0, runs.outage_rounds),
            outage("outage of 15 s", 15.0, 1),
            outage("connection lost twice in a row", 0.3, runs.outage_rounds, again=True),
        ],
        "crowd": [
            Row("interrupted, nobody at the control socket", alone),
            Row("interrupted, 32 subscribers, half of whom never read", watched),
            Row(f"{runs.long_s} s answer, nobody at the control socket", heard_alone),
            Row(f"{runs.long_s} s answer, 32 subscribers", heard_watched),
        ],
        "dead": [
            Row(
                f"dead networks, {runs.stall_minutes:g} minutes",
                lambda rig: dead.dead(rig, runs.stall_minutes),
                dead.TARGETS,
            ),
        ],
        "renewal": [
            Row("renewal", lambda rig: renewal.renewals(rig, runs.abreast), renewal.TARGETS),
        ],
    }
    table["replug"] = [
        Row(
            "microphone, away and back", lambda _: replug.microphones(runs.replugs), replug.TARGETS
        ),
        Row(
            "sound server, killed and back", lambda _: replug.servers(runs.replugs), replug.TARGETS
        ),
    ]
    table["wake"] = [
        Row("wake words", lambda _rig: wake.detection()),
        Row("wake words, noise 10 dB below", lambda _rig: wake.detection(noise_db=10.0)),
        Row("false wakes", lambda _rig: wake.false_wakes(runs.wake_s), wake.TARGETS),
        Row("wake words' processor time", lambda _rig: wake.cost(60.0), wake.TARGETS),
    ]
    table["echo"] = echo_rows(runs.echo_s)
    if long_minutes:
        endurance = Row(f"{long_minutes:g} minutes", lambda rig: cost.endurance(rig, long_minutes))
        table["long"] = [endurance]
    return table


def echo_rows(seconds: float) -> list[Row]:
    """What the loudspeaker's sound in the microphone does."""
    return [
        Row("echo taken away", lambda _rig: echo.erle(), echo.TARGETS),
        *(
            Row(
                f"interruptions by itself, {seconds:g} s, {mode.value}",
                lambda _rig, mode=mode: echo.self_interruptions(seconds, mode),  # type: ignore[misc]
                echo.TARGETS,
            )
            for mode in (EchoMode.OFF, EchoMode.WEBRTC, EchoMode.HALF_DUPLEX)
        ),
        Row(
            f"interruptions by itself, an echo that moves, 3 x {seconds / 5:g} s",
            lambda _rig: echo.moved(seconds / 5),
        ),
        Row("utterances in quiet", lambda _rig: echo.in_quiet()),
        *(
            Row(
                f"utterances {abs(over_db):g} dB {'above' if over_db > 0 else 'below'} the echo{how}",
                lambda _rig, over_db=over_db, first=first, unseen=unseen: echo.interruptions(  # type: ignore[misc]
                    over_db, duck_first=first, unseen=unseen
                ),
                echo.ABOVE if over_db > 0 else echo.BELOW,
            )
            for over_db in (5.0, -5.0)
            for first, unseen, how in (
                (False, False, ""),
                (True, False, ", softer when suspected"),
                (True, True, ", softer when suspected, others"),
            )
        ),
        Row("price of echo handling", lambda _rig: echo.price(), echo.TARGETS),
    ]
