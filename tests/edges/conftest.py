"""Contract suites hold the real devices to the same promises: they need the room."""

from tests.real_audio.conftest import room

__all__ = ["room"]
