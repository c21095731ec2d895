# What scripts/demo, test and bench share: say what is installed, install it, once. Sourced, not run.
#
# Installs: Debian packages (with apt, through sudo unless root) and Python packages (into a folder
# of this checkout). Everything is said before it is done, and nothing is done twice.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$HERE"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# need_packages PACKAGE... : Debian packages, those that are missing.
need_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "These packages are needed, and apt is not here to install them: ${missing[*]}"
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "These packages are needed, and sudo is not here; as root: apt-get install ${missing[*]}"
    say "Installing Debian packages: ${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# find_python : the newest Python that voiced supports, in $PYTHON unless it is set.
find_python() {
    if [ -z "${PYTHON:-}" ]; then
        for candidate in python3 python3.13 python3.12 python3.11; do
            if supports "$candidate"; then PYTHON=$(command -v "$candidate"); break; fi
        done
    fi
    [ -n "${PYTHON:-}" ] && supports "$PYTHON" || die "voiced needs Python 3.11 or newer: sudo apt install python3"
}

supports() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# venv EXTRAS : a virtual environment for this Python in $VENV, with what requirements.lock pins.
venv() {
    find_python
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || need_packages python3-venv
    local version stamp
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    VENV="$HERE/.venv-$version"
    stamp="$VENV/.installed"
    if ! cmp -s requirements.lock "$stamp" 2>/dev/null; then
        say "Installing Python packages into ${VENV#"$HERE"/} (Python $version; about 300 MB, no change outside it)"
        [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
        cp requirements.lock "$stamp"
    fi
}
