"""scripts/install, below a folder of its own: nothing of this machine is touched."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.canaries import KEY as SECRET
from voiced.config.file import load

ROOT = Path(__file__).parents[1]
HELP = {
    f"/usr/local/share/{file}"
    for name in ("voiced", "voicectl")
    for file in (
        f"man/man1/{name}.1",
        "man/man5/voiced.toml.5",
        f"bash-completion/completions/{name}",
        f"zsh/site-functions/_{name}",
        f"fish/vendor_completions.d/{name}.fish",
    )
}


class Owner:
    """Runs the script with these folders for a machine and a home."""

    def __init__(self, folder: Path) -> None:
        self.machine, self.home = folder / "machine", Path("/home/ada")
        self.key = folder / "key"
        self.key.write_text(f"{SECRET}\n")
        self.said = ""

    def runs(self, *options: str, code: int = 0) -> None:
        environ = {name: os.environ[name] for name in os.environ if not name.startswith("XDG_")}
        environ |= {"DESTDIR": str(self.machine), "HOME": str(self.home), "PYTHON": sys.executable}
        done = subprocess.run(
            ["bash", str(ROOT / "scripts" / "install"), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environ,
            cwd=self.key.parent,
            check=False,
        )
        self.said = done.stdout
        assert done.returncode == code, self.said
        assert SECRET not in self.said

    def has(self) -> set[str]:
        """All files but those of Python packages and those that only some Pythons' venv makes."""
        return {
            f"/{path.relative_to(self.machine)}"
            for path in self.machine.rglob("*")
            if not path.is_dir() and not {"lib", "lib64", "bin", ".gitignore"} & set(path.parts)
        }


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the script gathers it on a machine with a network."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        ["bash", str(ROOT / "scripts" / "install"), "--make-wheelhouse", str(folder)],
        env={**os.environ, "PYTHON": sys.executable},
        check=True,
    )
    return folder


def test_install_again_and_take_away(owner: Owner, wheelhouse: Path) -> None:
    etc, machine = owner.machine / "etc" / "voiced", owner.machine
    owner.runs("--wheelhouse", str(wheelhouse), "--key-file", "key")
    assert "all right" in owner.said  # voiced itself looked at the configuration
    assert owner.has() == HELP | {
        "/etc/systemd/system/voiced-probe.service",
        "/etc/systemd/system/voiced-probe.timer",
        "/etc/systemd/system/voiced.service",
        "/etc/voiced/openai_api_key",
        "/etc/voiced/voiced.toml",
        "/opt/voiced/pyvenv.cfg",
        "/opt/voiced/share/doc/voiced/README.md",
        "/opt/voiced/share/doc/voiced/gpio.conf",
        "/opt/voiced/share/doc/voiced/input.conf",
    } | {each for each in owner.has() if each.endswith("growing-pause.conf")}
    assert (machine / "usr/local/bin/voiced").readlink() == Path("/opt/voiced/bin/voiced")
    key = etc / "openai_api_key"
    assert key.read_text().strip() == SECRET
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "_voicectl" in (machine / "usr/local/share/zsh/site-functions/_voicectl").read_text()
    packages = next((machine / "opt/voiced/lib").glob("python*/site-packages"))
    assert (packages / "voiced" / "app.py").exists()
    assert not (packages / "pytest").exists()

    (etc / "voiced.toml").write_text('[realtime]\nvoice = "cedar"\n')
    before = owner.has()
    owner.runs("--wheelhouse", str(wheelhouse))
    assert owner.has() == before
    assert "cedar" in (etc / "voiced.toml").read_text()
    assert key.read_text().strip() == SECRET

    (etc / "voiced.toml").write_text('[realtime]\nvoise = "cedar"\n')
    owner.runs("--wheelhouse", str(wheelhouse), code=78)
    assert "did you mean 'voice'?" in owner.said

    owner.runs("--uninstall")
    assert owner.has() == {"/etc/voiced/openai_api_key", "/etc/voiced/voiced.toml"}
    owner.runs("--uninstall")
    owner.runs("--uninstall", "--purge")
    assert owner.has() == set()


def test_what_was_tampered_with_on_the_way_is_not_installed(
    owner: Owner, wheelhouse: Path, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    shutil.copytree(wheelhouse, wheels)
    with zipfile.ZipFile(next(wheels.glob("h11-*.whl")), "a") as wheel:
        wheel.writestr("h11/extra.py", "")
    owner.runs("--wheelhouse", "wheels", code=1)
    assert "DO NOT MATCH THE HASHES" in owner.said
    assert "h11" in owner.said
    assert not (owner.machine / "usr/local/bin/voiced").exists()


def test_for_a_user(owner: Owner, wheelhouse: Path) -> None:
    owner.runs("--user", "--wheelhouse", str(wheelhouse))
    home = owner.machine / "home" / "ada"
    config = load(home / ".config/voiced/voiced.toml")
    assert config.auth.key_file == "/home/ada/.config/voiced/openai_api_key"
    # Nobody was there to be asked: the file is there, for whoever has the key, and for nobody else.
    key = home / ".config/voiced/openai_api_key"
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == ("", 0o600)
    assert (home / ".config/systemd/user/voiced.service").exists()
    assert (home / ".local/share/voiced/bin/voiced").exists()
    owner.runs("--user", "--uninstall", "--purge")
    assert owner.has() == set()


@pytest.mark.parametrize("options", [(), ("--user",), ("--uninstall", "--purge")])
def test_a_dry_run_changes_nothing(owner: Owner, options: tuple[str, ...]) -> None:
    owner.runs("--dry-run", "--key-file", str(owner.key), *options)
    assert not owner.machine.exists()
    assert "nothing was changed" in owner.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--frobnicate",), "no such option"),
        (("--key-file",), "wants an argument"),
        (("--key-file", "nowhere"), "no such file"),
        (("--wheelhouse", "nowhere"), "no such folder"),
        (("--purge",), "goes with --uninstall"),
    ],
)
def test_a_slip_is_told_before_anything_is_done(
    owner: Owner, options: tuple[str, ...], said: str
) -> None:
    owner.runs(*options, code=1)
    assert said in owner.said
    assert not owner.machine.exists()
