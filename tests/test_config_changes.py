"""What a change of settings takes."""

import attrs
import pytest

from voiced.config.changes import REACHES, Reach, changed_keys, reach_of
from voiced.config.whole import SECTIONS, Config

ALL = {
    f"[{section}] {field.name}"
    for section, kind in SECTIONS.items()
    for field in attrs.fields(kind)
}


def test_the_tables_name_keys_that_there_are() -> None:
    for keys in REACHES.values():
        assert keys <= ALL


def test_no_key_is_in_two_tables() -> None:
    assert not REACHES[Reach.LIVE] & REACHES[Reach.SESSION]


def test_nothing_changed_is_nothing_to_do() -> None:
    assert changed_keys(Config(), Config()) == ()


def test_changes_are_named_without_their_values() -> None:
    old = Config()
    new = attrs.evolve(
        old,
        realtime=attrs.evolve(old.realtime, voice="cedar"),
        link=attrs.evolve(old.link, fault_retry_s=60.0),
    )
    assert changed_keys(old, new) == ("[realtime] voice", "[link] fault_retry_s")


@pytest.mark.parametrize(
    ("key", "reach"),
    [
        ("[link] fault_retry_s", Reach.LIVE),
        ("[realtime] instructions", Reach.SESSION),
        ("[capture] device", Reach.LIFE),
        ("[auth] key_file", Reach.LIFE),
        ("[section] of a key that is new", Reach.LIFE),
    ],
)
def test_what_it_takes(key: str, reach: Reach) -> None:
    assert reach_of(key) is reach
