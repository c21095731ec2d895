"""`voiced demo`: a conversation with the embedded server, shown, measured, recorded and drawn."""

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import attrs
import trio

from voiced import app, outside
from voiced.channel import Channel
from voiced.cli import logs
from voiced.cli.local_server import embedded
from voiced.cli.main import Exit
from voiced.cli.run import stopped_by_signals
from voiced.cli.show import Screen
from voiced.config.sound import Devices, Playout
from voiced.config.whole import Config
from voiced.demo.clips import clips_for
from voiced.demo.recording import Recording, TappedMicrophone, TappedSpeaker
from voiced.demo.script import Clips, Mouth, Script, ScriptStuck
from voiced.demo.timeline import Timeline, count_table, latency_table
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.edges.speaker import PortAudioSpeaker
from voiced.faults import DeviceError
from voiced.notices import LevelMeasured, Notice, NoticeBoard
from voiced.ports import Microphone, Speaker

_AWAKE_S: Final = 3600.0  # the loudspeaker's stream never rests: its recording must have no holes
_NOTICES: Final = 4096

_LIVE: Final = """\
Talk to it. It understands a few sentences: "what time is it", "what is seven times six",
"tell me a longer story", "what can you do", "goodbye". Interrupt it while it speaks. Ctrl-C ends.
"""


def demo(options: argparse.Namespace) -> int:
    """Run it; the last lines say where the recording and the picture are."""
    with logs.logbook(verbose=options.verbose, least="WARNING"):
        return trio.run(_demo, options)


async def _demo(options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    config = Config(
        playout=Playout(rest_after_s=_AWAKE_S),
        devices=Devices(dead_mic_s=0.0),  # a played microphone is silent to the last bit
    )
    headless = options.headless or options.question is not None
    live = options.live or (not headless and await _has_sound_card())
    clips = None if live else await clips_for(options.question)
    print("Starting the embedded server: no account, no key, no network.", flush=True)
    async with embedded(config) as config:
        stage = _live_stage() if live else _scripted_stage()
        print(
            _LIVE if live else "No sound card: a script speaks into the microphone.\n", flush=True
        )
        stuck = await _perform(config, stage, clips)
    _tell(stage, options.out)
    if stuck is not None:
        raise stuck
    return Exit.FINE


@attrs.define(eq=False)
class _Stage:
    """Where the conversation takes place, and what is kept of it."""

    microphone: Microphone
    speaker: Speaker
    mouth: Mouth
    recording: Recording
    timeline: Timeline = attrs.field(factory=Timeline)
    daemon: app.Daemon | None = None


def _scripted_stage() -> _Stage:
    mouth, recording = Mouth(), Recording()
    microphone = TappedMicrophone(mouth.microphone(), recording.microphone)
    return _Stage(microphone, TappedSpeaker(recording.speaker), mouth, recording)


def _live_stage() -> _Stage:
    recording, system = Recording(), PortAudio()
    microphone = TappedMicrophone(PortAudioMicrophone(system), recording.microphone)
    # Trio's clock is the performance counter plus a constant; only the Trio thread may ask Trio.
    offset_s = trio.current_time() - time.perf_counter()

    def tap(pcm: bytes, rate_hz: int) -> None:
        recording.speaker.begin(time.perf_counter() + offset_s, rate_hz)
        recording.speaker.add(pcm)

    return _Stage(microphone, PortAudioSpeaker(system, tap=tap), Mouth(), recording)


async def _perform(config: Config, stage: _Stage, clips: Clips | None) -> ScriptStuck | None:
    """Hold the conversation: until Ctrl-C, or to the end of the script."""
    board = NoticeBoard()
    dialler = outside.dialler_from(config)
    daemon = app.Daemon(config, outside.Ports(stage.microphone, stage.speaker, dialler), board)
    stage.daemon = daemon
    failures: list[ScriptStuck] = []

    async def follow(script: Script) -> None:
        try:
            await script.play()
        except ScriptStuck as stuck:
            failures.append(stuck)
        daemon.supervisor.stop()

    with board.watch(_NOTICES) as shown, board.watch(_NOTICES) as heard:
        async with trio.open_nursery() as audience:
            audience.start_soon(_show, shown, stage.timeline)
            async with stopped_by_signals(daemon), trio.open_nursery() as nursery:
                if clips is not None:
                    nursery.start_soon(follow, Script(stage.mouth, clips, heard))
                await daemon.run()
                nursery.cancel_scope.cancel()
            shown.close()  # the last turn ended with the daemon: it is still to be shown
    return failures[0] if failures else None


async def _show(notices: Channel[Notice], timeline: Timeline) -> None:
    screen = Screen(sys.stdout, live=sys.stdout.isatty())
    async for notice in notices:
        screen.tell(notice)
        if not isinstance(notice, LevelMeasured):
            timeline.add(notice)


def _tell(stage: _Stage, folder: Path) -> None:
    """Tables, recording, picture."""
    from voiced.demo.picture import draw  # noqa: PLC0415  needs the `demo` extra, half a second too

    assert stage.daemon is not None  # noqa: S101  the curtain has fallen
    print("\nHow long it took: ms for each step from the end of speech to the first sound;")
    print("in all; and, where the user spoke over the answer, until it was silent")
    print(latency_table(stage.timeline.turns))
    print("\nWhat was carried and lost")
    print(count_table(stage.daemon.counts, stage.daemon.frames.tally))
    sound, picture = folder / "conversation.wav", folder / "conversation.png"
    stage.recording.save(sound)
    draw(stage.recording, stage.timeline, picture)
    print(f"\n{sound}: microphone left, loudspeaker right\n{picture}: the same as a picture")


async def _has_sound_card() -> bool:
    """Whether a microphone and a loudspeaker can really be opened."""
    system = PortAudio()
    try:
        async with PortAudioMicrophone(system).open(), PortAudioSpeaker(system).open():
            return True
    except DeviceError:
        return False
