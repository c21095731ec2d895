"""What a running daemon adds to a dump besides its status: settings, versions, last lines, timeline."""

import json
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Final

from voiced import __version__
from voiced.cli.logs import Logbook
from voiced.config import file as config_file
from voiced.config.whole import Config

_PACKAGES: Final = (
    *("attrs", "cffi", "h11", "httptools", "numpy", "sounddevice", "soxr", "trio"),
    *("trio-websocket", "wsproto"),
)


def papers(book: Logbook, config: Config) -> Mapping[str, object]:
    """All of it, with what is secret masked: the settings as they are in effect, too."""
    return {
        "config": book.masks.hide(config_file.show(config)),
        "versions": versions(),
        "log": [json.loads(line) for line in book.recent.log],
        "timeline": [json.loads(line) for line in book.recent.timeline],
    }


def versions() -> Mapping[str, str]:
    """What runs here, and on what."""
    told = {"voiced": __version__, "python": sys.version.split()[0], "system": platform.platform()}
    for package in _PACKAGES:
        try:
            told[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return told
