# shellcheck shell=bash disable=SC2154  # whoever sources this sets $suite and $log
# What scripts/prove-install and prove-service share: clean Debian systems, each in a folder below $work, which
# is taken away at the end. Sourced after setup.sh, not run; by root.
[ "$(id -u)" -eq 0 ] || die "Systems are made by root: sudo $0"
need_packages mmdebstrap

work=$(mktemp -d "/tmp/${0##*/}.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

# make SYSTEM PACKAGE... : a minimal Debian with this checkout in /src, reaching what this machine reaches.
make() {
    local file system=$1
    shift
    say "$suite: a clean system"
    mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "ca-certificates,$*")" "$suite" "$system" >&2
    mkdir "$system/src"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from - | tar -x -C "$system/src"
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
        [ ! -e $file ] || cp -L $file "$system$file"
    done
    cp -r /usr/local/share/ca-certificates/. "$system/usr/local/share/ca-certificates"
    chroot "$system" update-ca-certificates >/dev/null 2>&1
}

# Nothing of this machine's environment goes into a system.
clean=(env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8)

# within SYSTEM [--offline] COMMAND... : as root of that system, in which nothing else runs.
within() {
    local system=$1 network=()
    shift
    [ "$1" != --offline ] || { network=(--net); shift; }
    # shellcheck disable=SC2016  # the shell in there expands them
    unshare --mount --pid --fork --kill-child "${network[@]}" bash -c '
        mount -t proc proc "$0/proc"
        mount -t devpts devpts "$0/dev/pts"
        exec chroot "$0" "${@}"
    ' "$system" "${clean[@]}" "$@" </dev/null >>"$log" 2>&1 || { tail -n 30 "$log" >&2; die "$suite: this failed: $*"; }
}
