"""What a change of settings takes: some values may change under way, some want a new session, the rest a
new life of the daemon, with new channels and devices.

Law of this file: names and a comparison. A key that is named nowhere here needs a new life, which is
always right; whoever names one sees to it that `Daemon.adopt` carries it over.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from voiced.config.whole import SECTIONS, Config


class Reach(enum.IntEnum):
    """How deep a change goes."""

    NONE = 0
    LIVE = 1  # it counts from now on
    SESSION = 2  # a new session takes over at the next quiet moment: no word is lost
    LIFE = 3  # at the next quiet moment all begins anew, devices too; what was said is remembered


REACHES: Final[Mapping[Reach, frozenset[str]]] = MappingProxyType(
    {
        Reach.LIVE: frozenset(
            {
                "[capture] gain_db",
                "[capture] high_pass_hz",
                "[playout] rest_after_s",
                "[playout] wake_sink_ms",
                "[playout] keep_awake",
                "[playout] max_volume_percent",
                "[devices] keep_answers_ms",
                "[earcons] wake",
                "[earcons] turn_end",
                "[earcons] error",
                "[earcons] level_db",
                "[link] first_pause_s",
                "[link] longest_pause_s",
                "[link] healthy_after_s",
                "[link] fault_retry_s",
            }
        ),
        # What a session is configured with, and the times of a turn. Not those that decide who answers
        # or what a button does: they belong together with much that a session does not own.
        Reach.SESSION: frozenset(
            {
                "[realtime] voice",
                "[realtime] speed",
                "[realtime] instructions",
                "[realtime] context",
                "[realtime] language",
                "[realtime] noise_reduction",
                "[turns] confirm_ms",
                "[turns] duck_db",
                "[turns] eagerness",
                "[turns] idle_timeout_ms",
                "[turns] threshold",
                "[turns] prefix_padding_ms",
                "[turns] silence_duration_ms",
                "[limits] committed_ms",
                "[limits] created_ms",
                "[limits] first_delta_ms",
                "[limits] delta_gap_ms",
                "[limits] cancelled_ms",
                "[limits] words_ms",
            }
        ),
    }
)


def changed_keys(old: Config, new: Config) -> tuple[str, ...]:
    """The keys whose values differ, as `[section] key`; never the values."""
    return tuple(
        f"[{section}] {field.name}"
        for section, kind in SECTIONS.items()
        for field in attrs.fields(kind)
        if getattr(getattr(old, section), field.name) != getattr(getattr(new, section), field.name)
    )


def reach_of(key: str) -> Reach:
    """What it takes to change that key."""
    return next((reach for reach, keys in REACHES.items() if key in keys), Reach.LIFE)
