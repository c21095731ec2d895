"""Plugins that cannot be a loudspeaker are forgotten, in this process alone, and only if they are there."""

import ctypes
import ctypes.util
import subprocess
import sys
import textwrap

import pytest

from voiced.edges.alsa import forget_plugins


def test_a_machine_without_alsa_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    forget_plugins()


def test_an_alsa_without_these_functions_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = ctypes.CDLL(None)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: libc)
    forget_plugins()


def test_an_alsa_without_a_configuration_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        """Functions, but no `snd_config` to look into."""

        snd_config_update = snd_config_search = snd_config_delete = staticmethod(lambda *_: 0)
        _handle = ctypes.CDLL(None)._handle

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Odd())
    forget_plugins()


LOOK = """
    import ctypes
    from voiced.edges.alsa import forget_plugins

    asound = ctypes.CDLL("libasound.so.2")
    root = ctypes.c_void_p.in_dll(asound, "snd_config")

    def has(name):
        node = ctypes.c_void_p()
        asound.snd_config_search.argtypes = (
            ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)
        )
        return asound.snd_config_search(root, name, ctypes.byref(node)) == 0

    asound.snd_config_update()
    names = [b"pcm.a52", b"pcm.samplerate", b"pcm.usbstream", b"pcm.default", b"pcm.pulse", b"pcm.hw"]
    before = [has(name) for name in names]
    forget_plugins()
    forget_plugins()
    after = [has(name) for name in names]
    print(before, after)
"""


@pytest.mark.audio
def test_encoders_and_converters_are_forgotten_and_devices_are_kept() -> None:
    """In a process of its own: ALSA's configuration is one for a whole process."""
    look = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOOK)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, after = look.stdout.strip().removesuffix("]").split("] [")
    assert before == "[True, True, True, True, True, True", "libasound2-plugins is not installed"
    assert after == "False, False, False, True, True, True"
