"""Where the key comes from, and that it is never shown, whatever is wrong with it."""

import traceback
from pathlib import Path

import pytest

from tests.canaries import KEY
from voiced.edges.credentials import Secret, find_key, key_needed
from voiced.faults import ConfigError


def found(key_file: str | Path, environ: dict[str, str] | None = None) -> str | None:
    secret = find_key(str(key_file), environ or {})
    return secret.reveal() if secret else None


def refusal(key_file: str | Path, environ: dict[str, str] | None = None) -> str:
    """What is said about a source that is no good; the key is nowhere in it, nor in its causes."""
    with pytest.raises(ConfigError) as refused:
        find_key(str(key_file), environ or {})
    error: BaseException | None = refused.value
    assert KEY not in "".join(traceback.format_exception(refused.value))
    while error is not None:
        assert KEY not in repr(error)
        error = error.__cause__ or error.__context__
    (mistake,) = refused.value.mistakes
    return mistake


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return path


@pytest.fixture
def systemd(tmp_path: Path) -> dict[str, str]:
    """The environment of a service to which systemd gave the credential."""
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "openai_api_key").write_text(f"{KEY}-from-systemd")
    return {"CREDENTIALS_DIRECTORY": str(directory), "OPENAI_API_KEY": f"{KEY}-from-environment"}


# --- the sources, in order ------------------------------------------------------------------------


def test_the_file_named_in_the_settings_comes_first(
    key_file: Path, systemd: dict[str, str]
) -> None:
    assert found(key_file, systemd) == KEY


def test_then_comes_the_credential_of_systemd(systemd: dict[str, str]) -> None:
    assert found("", systemd) == f"{KEY}-from-systemd"


def test_a_credential_that_cannot_be_looked_at_is_a_mistake_to_mend(tmp_path: Path) -> None:
    """Not a crash, after which systemd would try again each second, nor the next source. (root may read
    whatever the mode, so here the directory is none.)"""
    not_one = tmp_path / "credentials"
    not_one.touch()
    environ = {"CREDENTIALS_DIRECTORY": str(not_one), "OPENAI_API_KEY": KEY}
    assert "the systemd credential openai_api_key: can't read" in refusal("", environ)


def test_then_comes_the_environment(systemd: dict[str, str], tmp_path: Path) -> None:
    assert found("", {"OPENAI_API_KEY": KEY}) == KEY
    empty = str(tmp_path)  # a service with other credentials
    assert found("", {"CREDENTIALS_DIRECTORY": empty, "OPENAI_API_KEY": KEY}) == KEY


def test_without_any_there_is_none() -> None:
    assert found("") is None
    assert found("", {"CREDENTIALS_DIRECTORY": ""}) is None


def test_a_source_that_is_no_good_does_not_fall_through_to_the_next(
    tmp_path: Path, systemd: dict[str, str]
) -> None:
    assert "can't read" in refusal(tmp_path / "nowhere", systemd)
    (Path(systemd["CREDENTIALS_DIRECTORY"]) / "openai_api_key").write_text("")
    assert "systemd credential openai_api_key" in refusal("", systemd)


def test_a_file_in_the_home_is_found(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(key_file.parent))
    assert found("~/key") == KEY


@pytest.mark.parametrize("text", [f"{KEY}", f"{KEY}\n", f"\n\t {KEY} \r\n\n"])
def test_space_around_a_key_does_not_belong_to_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    assert found(tmp_path / "key") == KEY
    assert found("", {"OPENAI_API_KEY": text}) == KEY


# --- what is wrong with it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: put the API key there"),
        (b" \n\n", "is empty: put the API key there"),
        (KEY.encode() + b"\xff", "one word is wanted"),
        (b"\x7fELF\x02\x01\x01\x00\x9c", "one word is wanted"),
        (f"{KEY} {KEY}".encode(), "one word is wanted"),
        (f"{KEY}\n{KEY}\n".encode(), "one word is wanted"),
        (f"{KEY}é".encode(), "one word is wanted"),
        (f"{KEY}\x00".encode(), "one word is wanted"),
        (KEY.encode() * 200, "is too long to be a key"),
    ],
    ids=["empty", "blank", "bytes", "elf", "words", "lines", "accent", "nul", "long"],
)
def test_a_file_that_cannot_be_a_key_is_refused_with_its_name(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    told = refusal(path)
    assert words in told
    assert "[auth] key_file" in told
    assert str(path) in told


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is empty"), ("  ", "is empty"), (f"{KEY} {KEY}", "one word"), (f"{KEY}é", "one word")],
)
def test_a_variable_that_cannot_be_a_key_is_refused_by_name(text: str, words: str) -> None:
    told = refusal("", {"OPENAI_API_KEY": text})
    assert words in told
    assert "the environment variable OPENAI_API_KEY" in told


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nowhere/at/all", "No such file or directory"),
        ("/", "Is a directory"),
        ("/dev/null/key", "Not a directory"),
        ("~nobody-of-that-name/key", "home directory"),
        ("nul\0byte", "null byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(path: str, words: str) -> None:
    told = refusal(path)
    assert told.startswith(f"[auth] key_file: can't read {path}: ")
    assert words in told


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert "too long" in refusal("/dev/zero")


# --- never shown ----------------------------------------------------------------------------------


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(KEY)
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert KEY not in shown
    assert secret.reveal() == KEY


def test_when_a_key_is_needed_all_three_places_are_named_and_the_way_without() -> None:
    (told,) = key_needed().mistakes
    for words in ("OPENAI_API_KEY", "[auth] key_file", "systemd credential", "voiced run --local"):
        assert words in told
