"""What is behind the ports, by the settings: devices, and what goes with them."""

import sys

import attrs
import pytest

from voiced.config.whole import Config
from voiced.edges.canceller import WebRtcCanceller
from voiced.faults import ConfigError
from voiced.hardware import canceller_from, far_end_from


def wants(mode: str, microphone: str = "default") -> Config:
    config = Config()
    return attrs.evolve(
        config,
        echo=attrs.evolve(config.echo, mode=mode),
        capture=attrs.evolve(config.capture, device=microphone),
    )


@pytest.mark.parametrize("mode", ["webrtc", "auto"])
def test_a_canceller_that_is_installed_is_taken(mode: str) -> None:
    assert isinstance(canceller_from(wants(mode)), WebRtcCanceller)


@pytest.mark.parametrize("mode", ["system", "half_duplex", "off"])
def test_other_modes_want_none(mode: str) -> None:
    assert canceller_from(wants(mode)) is None


def test_files_hear_no_loudspeaker() -> None:
    config = wants("webrtc", "file:question.wav")
    assert far_end_from(config) is None
    assert canceller_from(config) is None


def test_one_that_can_not_be_loaded_ends_nothing_unless_it_was_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)  # as if a native library were missing
    monkeypatch.delattr("livekit.rtc", raising=False)
    assert canceller_from(wants("auto")) is None
    assert "echo is not cancelled" in caplog.text
    with pytest.raises(ConfigError, match=r"pip install 'voiced\[echo\]'"):
        canceller_from(wants("webrtc"))
