"""Numbers, hours and days as one says them, in English.

Law of this file: values in, words out. What a recogniser hears are words, so words are the common
language of the grammar, the brain and the voice.
"""

from datetime import datetime
from typing import Final

SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen", "twenty"),
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_GROUPS: Final = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))


def number(value: int) -> str:
    """Say a whole number: ``forty-two``, ``minus three``."""
    if value < 0:
        return f"minus {number(-value)}"
    if value < len(SMALL):
        return SMALL[value]
    for size, name in _GROUPS:
        if value >= size:
            many, rest = divmod(value, size)
            tail = f" and {number(rest)}" if 0 < rest < 100 else f" {number(rest)}" * bool(rest)
            return f"{number(many)} {name}{tail}"
    tens, ones = divmod(value, 10)
    return f"{_TENS[tens]}-{SMALL[ones]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """Say a place in a row: ``first``, ``twentieth``, ``twenty-third``."""
    head, dash, last = number(value).rpartition("-")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    else:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head}{dash}{last}"


def clock(now: datetime) -> str:
    """Say the time of day: ``three oh seven in the afternoon``."""
    hour = number(now.hour % 12 or 12)
    if now.minute == 0:
        minute = "o'clock"
    elif now.minute < 10:
        minute = f"oh {number(now.minute)}"
    else:
        minute = number(now.minute)
    if now.hour < 12:
        part = "in the morning"
    else:
        part = "in the afternoon" if now.hour < 18 else "in the evening"
    return f"{hour} {minute} {part}"


def day(now: datetime) -> str:
    """Say the date: ``Friday, the twentieth of November``."""
    return f"{now:%A}, the {ordinal(now.day)} of {now:%B}"
