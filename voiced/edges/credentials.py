"""Where the key is read: a file named in the config, a systemd credential, or the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from attrs import field, frozen

from voiced.faults import ConfigError

CREDENTIAL: Final = "openai_api_key"
VARIABLE: Final = "OPENAI_API_KEY"
_LONGEST: Final = 4096  # a key is a line; a bigger file is something else


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


def find_key(key_file: str, environ: Mapping[str, str]) -> Secret | None:
    """The key from the first place that is set, or None; `ConfigError` if that place is no good."""
    if key_file.startswith("sk-"):
        raise ConfigError(
            ["[auth] key_file wants the path of a file that holds the key, not the key"]
        )
    if key_file:
        return _from_file(Path(key_file), "[auth] key_file")
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / CREDENTIAL
        if credential.exists():
            return _from_file(credential, f"the systemd credential {CREDENTIAL}")
    if VARIABLE in environ:
        return _checked(environ[VARIABLE], f"the environment variable {VARIABLE}")
    return None


def key_needed() -> ConfigError:
    """What to say when there is none and the server wants one."""
    sentence = (
        f"there is no API key: set {VARIABLE}, or name a file that holds it in [auth] key_file, "
        f"or give the service a systemd credential {CREDENTIAL}. "
        "To try voiced without an account: voiced run --local"
    )
    return ConfigError([sentence])


def _from_file(path: Path, source: str) -> Secret:
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except UnicodeDecodeError:
        # Not `from` it: it holds the bytes, and they may be a key with a stray one.
        raise ConfigError([f"{source}: {path} is not a text file"]) from None
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody is no OSError, nor is a NUL
        reason = getattr(error, "strerror", None) or error
        raise ConfigError([f"{source}: can't read {path}: {reason}"]) from error
    if len(text) > _LONGEST:
        raise ConfigError([f"{source}: {path} is too long to be a key"])
    return _checked(text, f"{source} ({path})")


def _checked(text: str, source: str) -> Secret:
    key = text.strip()
    if not key:
        raise ConfigError([f"{source} is empty: put the API key there"])
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError([f"{source} holds something that can't be a key: one word is wanted"])
    return Secret(key)
