"""config/voiced.toml and the defaults in the code say the same."""

import re
from itertools import pairwise
from pathlib import Path

import attrs

from voiced.config.file import load
from voiced.config.whole import SECTIONS, Config

TEMPLATE = Path(__file__).parents[1] / "config" / "voiced.toml"


def test_the_template_is_the_defaults() -> None:
    assert load(TEMPLATE) == Config()


def test_every_key_is_in_the_template_with_a_line_of_why() -> None:
    lines = TEMPLATE.read_text().splitlines()
    explained = {
        match[1]
        for before, line in pairwise(lines)
        if (match := re.match(r"(\w+) = ", line)) and before.startswith("# ")
    }
    keys = {field.name for section in SECTIONS.values() for field in attrs.fields(section)}
    assert keys == explained
