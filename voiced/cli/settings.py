"""Where the configuration is found, and `voiced config check|show`."""

import os
import sys
from pathlib import Path

from voiced.config import file as config_file
from voiced.config.whole import Config


def find_config(named: Path | None) -> tuple[Config, str]:
    """The configuration and where it came from: the file named, the first that exists, defaults."""
    place = find_file(named)
    return (Config(), "defaults") if place is None else (config_file.load(place), str(place))


def find_file(named: Path | None) -> Path | None:
    """The file named, or the first that exists."""
    return named or next((place for place in places() if place.exists()), None)


def check(named: Path | None) -> int:
    """Say whether the configuration is right; `ConfigError` names all that is not."""
    _, origin = find_config(named)
    print(f"{origin}: all right")
    return 0


def show(named: Path | None) -> int:
    """Print what is in effect, defaults included; it holds no secret."""
    settings, origin = find_config(named)
    print(f"# {origin}", file=sys.stderr)
    print(config_file.show(settings), end="")
    return 0


def places() -> list[Path]:
    """Where a configuration is looked for, the first that exists counts."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [home / "voiced" / "voiced.toml", Path("/etc/voiced/voiced.toml")]
