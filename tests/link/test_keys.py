"""Input events of the kernel, as bytes."""

import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.keys import (
    CODES,
    EVENT,
    HIGHEST,
    Key,
    KeyReader,
    code_of,
    name_of,
    pressed_in,
)

SYN, KEY, MSC = 0, 1, 4
REPORT, DROPPED = 0, 3
F13, F14 = CODES["KEY_F13"], CODES["KEY_F14"]


def events(*told: tuple[int, int, int]) -> bytes:
    """Records of the kernel's, at some time."""
    return b"".join(EVENT.pack(1_795_230_000, 999_999, *each) for each in told)


def press(code: int, value: int = 1) -> tuple[tuple[int, int, int], ...]:
    """As a keyboard tells it: its own number for the key, the key, the report."""
    return (MSC, 4, 0x70068), (KEY, code, value), (SYN, REPORT, 0)


def test_a_record_has_the_size_that_the_kernel_gives_it() -> None:
    assert EVENT.size == 2 * struct.calcsize("l") + 8


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("KEY_ESC", 1),
        ("KEY_Q", 16),
        ("KEY_A", 30),
        ("KEY_Z", 44),
        ("KEY_SPACE", 57),
        ("KEY_KPDOT", 83),
        ("KEY_F12", 88),
        ("KEY_PAGEDOWN", 109),
        ("KEY_MUTE", 113),
        ("KEY_PLAYPAUSE", 164),
        ("KEY_F13", 183),
        ("KEY_F24", 194),
        ("KEY_MICMUTE", 248),
        ("BTN_0", 256),
        ("BTN_LEFT", 272),
        ("BTN_EXTRA", 276),
        ("BTN_TRIGGER", 288),
        ("KEY_VOICECOMMAND", 582),
        ("183", 183),
        ("767", 767),
    ],
)
def test_names_are_those_of_the_kernel(name: str, code: int) -> None:
    assert code_of(name) == code


@pytest.mark.parametrize("name", ["F13", "KEY_F25", "0", "768", "-1", "1.5", "٣", "KEY_"])
def test_what_is_no_key(name: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        code_of(name)


def test_every_name_has_a_code_of_its_own() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert {name_of(code) for code in CODES.values()} == CODES.keys()
    assert name_of(700) == "700"


def test_bits_in_the_order_of_the_kernel() -> None:
    assert pressed_in(bytes([0b10, 0, 0b1])) == {1, 16}


def test_press_repeat_release() -> None:
    reader = KeyReader({F13})
    told = events(*press(F13), *press(F13, 2), *press(F13, 2), *press(F13, 0))
    assert reader.feed(told) == ([Key(F13, True), Key(F13, False)], False)


def test_other_keys_are_nobodys_business() -> None:
    assert KeyReader({F13}).feed(events(*press(F14), (2, F13, 1))) == ([], False)


def test_one_that_was_held_before_counts_when_it_is_pressed_again() -> None:
    reader = KeyReader({F13})
    assert reader.feed(events(*press(F13, 2), *press(F13, 0)))[0] == []
    assert reader.feed(events(*press(F13)))[0] == [Key(F13, True)]


def test_where_events_were_dropped_the_rest_means_nothing_until_the_report() -> None:
    reader = KeyReader({F13, F14})
    reader.feed(events(*press(F13)))
    told = events((SYN, DROPPED, 0), (KEY, F14, 1), (SYN, REPORT, 0))
    assert reader.feed(told) == ([], True)
    assert reader.lost == 1
    assert reader.settle({F14}) == [Key(F13, False), Key(F14, True)]
    assert reader.settle(()) == [Key(F14, False)]
    assert reader.feed(events(*press(F14)))[0] == [Key(F14, True)]


@given(st.lists(st.tuples(st.sampled_from([F13, F14]), st.sampled_from([0, 1, 2])), max_size=30))
def test_every_key_alternates_and_ends_as_it_is(presses: list[tuple[int, int]]) -> None:
    reader = KeyReader({F13, F14})
    changed, _ = reader.feed(events(*(each for one in presses for each in press(*one))))
    for code in (F13, F14):
        downs = [key.down for key in changed if key.code == code]
        assert downs == [at % 2 == 0 for at in range(len(downs))]
        told = [value for one, value in presses if one == code and value != 2]
        assert (downs[-1] if downs else False) is bool(told[-1] if told else 0)


@given(st.binary(max_size=500), st.lists(st.integers(0, 500), max_size=5))
def test_pieces_make_no_difference_and_nothing_breaks_it(data: bytes, cuts: list[int]) -> None:
    whole = KeyReader(range(HIGHEST))
    pieces = KeyReader(range(HIGHEST))
    expected, asks = whole.feed(data)
    told = [key for some in _pieces(pieces, data, cuts) for key in some]
    assert told == list(expected)
    assert pieces.lost == whole.lost
    assert isinstance(asks, bool)


def _pieces(reader: KeyReader, data: bytes, cuts: list[int]) -> Iterable[list[Key]]:
    ends = [*sorted(min(cut, len(data)) for cut in cuts), len(data)]
    begin = 0
    for end in ends:
        yield list(reader.feed(data[begin:end])[0])
        begin = end
