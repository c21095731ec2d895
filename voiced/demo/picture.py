"""The conversation as a picture: both waveforms on one time axis, with what happened when."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from voiced.audio.convert import Pcm
from voiced.audio.format import WIRE_RATE_HZ
from voiced.demo.recording import Recording
from voiced.demo.timeline import Timeline
from voiced.notices import Moment, Phase

_PHASE_COLOURS: Final = {
    Phase.CONNECTING: "#d9d9d9",
    Phase.LISTENING: "#f7f7f7",
    Phase.HEARING: "#c6e2ff",
    Phase.THINKING: "#fff0c2",
    Phase.SPEAKING: "#cdebc5",
    Phase.COOLING_DOWN: "#f4cccc",
    Phase.FAULT: "#e06666",
}

_MARKS: Final = {  # label, colour, style, and from which height on (0 to 1): some coincide
    Moment.SPEECH_START: ("speech start", "#1f5fa8", "--", 0.0),
    Moment.SPEECH_STOPPED: ("speech stop", "#1f5fa8", ":", 0.0),
    Moment.FIRST_SOUND: ("first sound", "#2e7d32", "-", 0.0),
    Moment.FIRST_DELTA: ("first delta", "#b8860b", "-", 0.75),
    Moment.CUT: ("cut", "#c62828", "-", 0.0),
}

_POINTS: Final = 4000  # columns of the envelope: more than there are pixels


def draw(recording: Recording, timeline: Timeline, path: Path) -> None:
    """Draw *recording* with the moments and phases of *timeline* into a PNG."""
    stereo = recording.stereo()
    start_s, seconds = recording.begins_at_s, len(stereo) / WIRE_RATE_HZ
    figure = Figure(figsize=(max(12.0, min(30.0, seconds * 0.7)), 5.5), layout="constrained")
    rows = figure.subplots(2, 1, sharex=True)
    for axes, title, side in zip(rows, ("microphone", "loudspeaker"), stereo.T, strict=True):
        _wave(axes, side, seconds)
        _phases(axes, timeline, start_s, seconds)
        _moments(axes, timeline, start_s)
        axes.set_ylabel(title)
        axes.set_ylim(-1.05, 1.05)
        axes.set_yticks([])
    rows[0].set_title("A conversation with voiced")
    rows[1].set_xlabel("seconds")
    rows[1].set_xlim(0, seconds)
    handles = {
        label: handle for handle, label in zip(*rows[0].get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), fontsize=8
    )
    figure.savefig(path, dpi=110)


def _wave(axes: Any, samples: Pcm, seconds: float) -> None:
    """The envelope: least and greatest sample of each column."""
    per_column = max(1, len(samples) // _POINTS)
    columns = samples[: len(samples) // per_column * per_column].reshape(-1, per_column)
    times = np.linspace(0, seconds, len(columns))
    low, high = columns.min(axis=1) / 32768, columns.max(axis=1) / 32768
    axes.fill_between(times, low, high, color="#444444", linewidth=0.5, zorder=3)


def _phases(axes: Any, timeline: Timeline, start_s: float, seconds: float) -> None:
    changes = timeline.phases
    ends = [change.at_s - start_s for change in changes[1:]] + [seconds]
    for change, end in zip(changes, ends, strict=True):
        colour = _PHASE_COLOURS.get(change.phase)
        if colour and end > 0:
            begin = max(0.0, change.at_s - start_s)
            axes.axvspan(begin, end, color=colour, label=change.phase.value, zorder=0, linewidth=0)


def _moments(axes: Any, timeline: Timeline, start_s: float) -> None:
    for happened in timeline.moments:
        if happened.moment in _MARKS:
            label, colour, style, foot = _MARKS[happened.moment]
            at_s = happened.at_s - start_s
            axes.axvline(
                at_s, ymin=foot, color=colour, linestyle=style, linewidth=1.3, label=label, zorder=4
            )
