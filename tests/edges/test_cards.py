"""Who holds a card that can't be opened: by what ALSA writes into /proc."""

from pathlib import Path

import pytest

from voiced.edges.cards import why_not

STATUS = "state: RUNNING\nowner_pid   : {pid}\ntrigger_time: 12.3\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Card 1 is recorded from by arecord and played to by mpv; nobody plays to its second device."""
    for place, text in (
        ("proc/asound/card1/pcm0c/sub0/status", STATUS.format(pid=41)),
        ("proc/asound/card1/pcm0p/sub0/status", STATUS.format(pid=42)),
        ("proc/asound/card1/pcm0p/sub1/status", STATUS.format(pid=99)),  # which has just ended
        ("proc/asound/card1/pcm1p/sub0/status", "closed\n"),
        ("proc/41/comm", "arecord\n"),
        ("proc/42/comm", "mpv\n"),
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    return tmp_path


def test_whoever_holds_the_card_is_named(root: Path) -> None:
    name = "USB PnP Sound Device: Audio (hw:1,0)"
    assert why_not(name, "input", root).startswith("It is held by arecord (pid 41): ")
    assert why_not(name, "output", root).startswith(
        "It is held by another program (pid 99) and mpv (pid 42): "
    )


@pytest.mark.parametrize("name", ["pulse", "USB: Audio (hw:1,1)", "USB: Audio (hw:7,0)"])
def test_where_nobody_can_be_named_it_says_what_it_may_be(root: Path, name: str) -> None:
    assert why_not(name, "output", root).startswith("Another program may hold it, or ")
