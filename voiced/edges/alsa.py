"""One kindness to PortAudio: it need not open what cannot be a loudspeaker.

At start PortAudio opens every PCM that ALSA's configuration names. Debian's libasound2-plugins names
encoders and rate converters among them, and opening those loads libavcodec and its kin: measured,
13 MB of memory and 0.2 s for nothing. They are taken out of this process's copy of the configuration;
no file and no other program is touched.
"""

import ctypes
from typing import Final

_NOT_DEVICES: Final = (
    b"a52",
    b"lavrate",
    b"samplerate",
    b"speex",
    b"speexrate",
    b"upmix",
    b"vdownmix",
    b"usbstream",
    b"oss",
    b"jack",  # JACK itself is reached by PortAudio's own JACK host, not through ALSA
)


def forget_plugins() -> None:
    """Remove them; where libasound is missing or other than expected there is nothing to do."""
    try:
        asound = ctypes.CDLL("libasound.so.2")
        update, search, delete = (
            asound.snd_config_update,
            asound.snd_config_search,
            asound.snd_config_delete,
        )
        root = ctypes.c_void_p.in_dll(asound, "snd_config")
    except (OSError, AttributeError, ValueError):
        return
    search.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p))
    delete.argtypes = (ctypes.c_void_p,)
    if update() < 0:
        return
    for name in _NOT_DEVICES:
        node = ctypes.c_void_p()
        if search(root, b"pcm." + name, ctypes.byref(node)) == 0:
            delete(node)
