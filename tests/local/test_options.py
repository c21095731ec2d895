"""Knobs as typed on a command line."""

import math

import pytest

from voiced.local import faults
from voiced.local.errors import LocalServerError, OptionError
from voiced.local.faults import Fault, FaultPlan, Moment
from voiced.local.options import MODELS, Options, RateLimits


def test_nothing_turned_behaves_well() -> None:
    options = Options.parse([])

    assert options == Options()
    assert options.faults == ()
    assert options.delta_bytes == 12_000
    assert options.burst_factor == 4.0


def test_every_kind_of_knob_can_be_typed() -> None:
    options = Options.parse(
        [
            "first_delta_delay_ms=300",
            "burst_factor=inf",
            "odd_deltas=yes",
            "rate_limits=before",
            "keys = one , two",
            "models=*",
            "fault=drop_mid_answer",
            "fault=http_429:retry_after_s=7,sessions=2",
        ]
    )

    assert options.first_delta_delay_ms == 300
    assert options.burst_factor == math.inf
    assert options.odd_deltas is True
    assert options.rate_limits is RateLimits.BEFORE
    assert options.keys == {"one", "two"}
    assert options.knows("anything")
    assert options.faults == (
        FaultPlan(Fault.DROP_MID_ANSWER),
        FaultPlan(Fault.HTTP_429, retry_after_s=7, sessions=2),
    )


def test_keys_are_never_shown() -> None:
    assert "sesame" not in repr(Options.parse(["keys=sesame"]))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("first_delta_delay=3", "no such knob; did you mean 'first_delta_delay_ms'"),
        ("zzz=3", "no such knob; known are"),
        ("stall_ms", "write name=value"),
        ("stall_ms=soon", "write a whole number"),
        ("stall_ms=-1", "impossible"),
        ("burst_factor=0", "write a number above 0"),
        ("burst_factor=nan", "write a number above 0"),
        ("odd_deltas=perhaps", "write true or false"),
        ("rate_limits=never", "write one of after, before, absent"),
        ("max_sessions=0", "impossible"),
        ("fault=drop_mid", "no such fault; did you mean 'drop_mid_answer'"),
        ("fault=mute:after=3", "no knob 'after'; did you mean 'after_ms'"),
        ("fault=mute:after_ms=x", "after_ms=x is impossible"),
        ("fault=mute:after_ms=-1", "after_ms=-1 is impossible"),
        ("fault=mute:at=noon", "at=noon is impossible"),
        ("fault=http_401:at=created", "always strikes at handshake"),
        ("fault=mute:at=handshake", "cannot strike at handshake"),
    ],
)
def test_mistakes_are_explained(setting: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint) as caught:
        Options.parse([setting])
    assert isinstance(caught.value, LocalServerError)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_its_moment(fault: Fault) -> None:
    assert faults.parse(fault.spelling).moment in Moment


def test_a_plan_concerns_some_connections_and_some_responses() -> None:
    first = FaultPlan(Fault.QUOTA_RESPONSE, sessions=1, response=2)

    assert first.concerns(1)
    assert first.concerns(1, 2)
    assert not first.concerns(1, 1)
    assert not first.concerns(2)
    assert FaultPlan(Fault.MUTE).concerns(99, 99)


def test_a_moment_can_be_chosen() -> None:
    assert faults.parse("drop_mid_answer:at=created,after_ms=5").moment is Moment.CREATED


def test_models_that_exist() -> None:
    assert "gpt-realtime-2.1" in MODELS
    assert not Options().knows("gpt-4o-realtime-preview")


def test_every_knob_and_every_fault_is_listed_as_it_is_typed() -> None:
    listing = Options.listing()

    settings = [line.split()[0] for line in listing.splitlines() if "=" in line.split()[0]]
    typed = [one for one in settings if not one.endswith("...") and not one.startswith("fault=")]
    assert Options.parse(typed) == Options()
    assert "fault=NAME" in listing
    for fault in Fault:
        assert f"  {fault.spelling} " in listing
