"""`voiced devices`."""

from voiced.edges.cards import list_devices
from voiced.edges.portaudio import load


def devices() -> int:
    """List what PortAudio sees, in plain words."""
    lines = list_devices(load())
    for line in lines:
        print(line)
    if not lines:
        print(
            "There is no sound device. Without one, file:PATH works as microphone or loudspeaker."
        )
    else:
        print("\nPut a name, or a part of it, into [capture] device and [playout] device.")
    return 0
