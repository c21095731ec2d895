"""Prometheus' text format 0.0.4, written. What the numbers mean is `page.py`'s.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/ ("Text-based format").
"""

import enum
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from voiced.metrics.histogram import Measured

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_OWN_LABEL: Final = "le"  # the format's own, of a histogram's buckets


class Type(enum.Enum):
    """What a number does."""

    COUNTER = "counter"  # only grows, or begins anew at 0
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@frozen
class Sample:
    """One number, or one histogram, under its labels."""

    value: float | Measured
    labels: Mapping[str, str] = field(factory=dict)


@frozen
class Family:
    """All numbers of one name."""

    name: str
    type: Type
    help: str
    samples: tuple[Sample, ...]

    def __attrs_post_init__(self) -> None:
        names = [self.name, *{label for sample in self.samples for label in sample.labels}]
        if wrong := [name for name in names if not _NAME.fullmatch(name) or name == _OWN_LABEL]:
            raise ValueError(f"no names for Prometheus: {wrong}")
        if (self.type is Type.COUNTER) is not self.name.endswith("_total"):
            raise ValueError(f"{self.name}: a counter ends with _total, and nothing else does")
        for sample in self.samples:
            if (self.type is Type.HISTOGRAM) is not isinstance(sample.value, Measured):
                raise ValueError(f"{self.name}: a histogram has histograms, and nothing else has")


def counter(name: str, help: str, *samples: Sample) -> Family:  # noqa: A002  the format's word
    """A family of what only grows."""
    return Family(name, Type.COUNTER, help, samples)


def gauge(name: str, help: str, *samples: Sample) -> Family:  # noqa: A002
    """A family of what goes up and down."""
    return Family(name, Type.GAUGE, help, samples)


def histogram(name: str, help: str, *samples: Sample) -> Family:  # noqa: A002
    """A family of histograms."""
    return Family(name, Type.HISTOGRAM, help, samples)


def render(families: Iterable[Family]) -> bytes:
    """The page, families in the order given. A family without numbers is left out."""
    lines = [line for family in families if family.samples for line in _lines(family)]
    return "".join(f"{line}\n" for line in lines).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.type.value}"
    for sample in family.samples:
        if isinstance(sample.value, Measured):
            yield from _buckets(family.name, sample.value, sample.labels)
        else:
            yield f"{family.name}{_labels(sample.labels)} {_number(sample.value)}"


def _buckets(name: str, measured: Measured, labels: Mapping[str, str]) -> Iterator[str]:
    below = 0
    for bound, count in zip((*measured.bounds, math.inf), measured.counts, strict=True):
        below += count
        yield f"{name}_bucket{_labels({**labels, _OWN_LABEL: _number(bound)})} {below}"
    yield f"{name}_sum{_labels(labels)} {_number(measured.sum)}"
    yield f"{name}_count{_labels(labels)} {below}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    quoted = (f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items())
    return f"{{{','.join(quoted)}}}"


def _escaped(text: str, *, quote: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quote else escaped


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
