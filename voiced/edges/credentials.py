"""Secrets, and where the key is read: a file named in the config, a systemd credential, or the
environment.

Law of this file: a secret is looked at (`flaw`), never shown: not by its repr, not in a sentence, and
not in the context of an error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from attrs import field, frozen

from voiced.faults import ConfigError

CREDENTIAL: Final = "openai_api_key"
VARIABLE: Final = "OPENAI_API_KEY"
LONGEST_SECRET: Final = 4096  # a key is a line; what is longer is something else


@frozen
class Secret:
    """A text that does not show itself when printed or logged."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself, for the one header it belongs into."""
        return self._text


class Authority(Protocol):
    """Whoever has the secret for the next connection."""

    async def secret(self) -> Secret | None:
        """One that is good now; None if the server wants none. `LinkError` if it can't be had, and
        `ConfigError` if a person must mend that first.
        """


@frozen
class FixedKey:
    """The same key for every connection."""

    key: Secret | None

    async def secret(self) -> Secret | None:
        """As the protocol says."""
        return self.key


def flaw(text: str) -> str:
    """Why *text* can't be a secret, to be put after its source; empty if it can."""
    if not text:
        return "is empty"
    if len(text) > LONGEST_SECRET:
        return "is too long to be a key"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "holds something that can't be a key: one word is wanted"
    return ""


def find_key(key_file: str, environ: Mapping[str, str]) -> Secret | None:
    """The key from the first place that is set, or None; `ConfigError` if that place is no good."""
    if key_file:
        return secret_from_file(Path(key_file), "[auth] key_file")
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / CREDENTIAL
        if _is_there(credential):
            return secret_from_file(credential, f"the systemd credential {CREDENTIAL}")
    if VARIABLE in environ:
        return _checked(environ[VARIABLE], f"the environment variable {VARIABLE}")
    return None


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:  # somebody meant to give us one: reading it says what is wrong
        return True
    return True


def key_places(environ: Mapping[str, str], *named: str) -> list[Path]:
    """The files that hold a secret, those *named* in the config first."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    credential = [Path(directory) / CREDENTIAL] if directory else []
    return [*(Path(name) for name in named if name), *credential]


def key_needed() -> ConfigError:
    """What to say when there is none and the server wants one."""
    sentence = (
        f"there is no API key: set {VARIABLE}, or name a file that holds it in [auth] key_file, "
        f"or give the service a systemd credential {CREDENTIAL}. "
        "To try voiced without an account: voiced run --local"
    )
    return ConfigError([sentence])


def secret_from_file(path: Path, source: str) -> Secret:
    """The one word in a file; `ConfigError` names *source* and *path* if there is none."""
    try:
        with path.expanduser().open("rb") as file:
            raw = file.read(LONGEST_SECRET + 1)
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody is no OSError, nor is a NUL
        reason = getattr(error, "strerror", None) or error
        raise ConfigError([f"{source}: can't read {path}: {reason}"]) from error
    # What can't be decoded would be an error that holds the bytes, and they may be a key with a stray one.
    return _checked(raw.decode("latin-1"), f"{source} ({path})")


def _checked(text: str, source: str) -> Secret:
    key = text if len(text) > LONGEST_SECRET else text.strip()
    if wrong := flaw(key):
        advice = "" if key else ": put the API key there"
        raise ConfigError([f"{source} {wrong}{advice}"])
    return Secret(key)
