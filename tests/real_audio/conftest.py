"""The room for tests that make real sound."""

import sys
from contextlib import ExitStack

import pytest

from tests import rig

_ROOM = pytest.StashKey[rig.Room]()


@pytest.fixture(scope="session")
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> rig.Room:
    """One room for the whole session: every test that asks for it gets the same.

    (Also those of other folders, whose conftest imports this fixture; hence the stash.)
    """
    if _ROOM not in request.config.stash:
        if packages := rig.missing_packages():
            pytest.fail(f"to make sound, apt install {' '.join(packages)}", pytrace=False)
        stack = ExitStack()
        request.config.add_cleanup(stack.close)
        room = stack.enter_context(rig.room(tmp_path_factory.mktemp("room")))
        request.config.stash[_ROOM] = room
        _let_portaudio_see_it()
    return request.config.stash[_ROOM]


def _let_portaudio_see_it() -> None:
    """PortAudio looks for devices once, when it is loaded: by a test before us, perhaps."""
    if sounddevice := sys.modules.get("sounddevice"):
        sounddevice._terminate()
        sounddevice._initialize()
