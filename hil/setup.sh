#!/bin/sh
# Sets up a checkout: Debian's python3-venv and mosquitto where root can be had, and .venv with the locked packages.
# Run by hil/demo and tests/run; by hand: sh hil/setup.sh [--no-system] [--for-tests]. Reasons: docs/development.md.
# --for-tests adds Debian's strace, with which the tests make a disk fail, hang and lose its power.
# Says each step before it takes it. Never touches the system's Python; never runs apt with --no-system; never
# leaves a system broker running that was not there before. POSIX sh, with flock and sha256sum from Debian's base.
set -eu
unset PYTHONHOME PYTHONPATH

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv=$root/.venv
stamp=$venv/setup-stamp
kernel_stamp=$venv/kernel-stamp
log=$venv/setup.log
free_needed_kib=1200000  # .venv takes 710 MB; pip unpacks the largest wheel beside it
apt_allowed=yes
for_tests=no

# All of it is for people: standard output is left to the demo and to pytest.
exec 1>&2

say() { printf 'set-up: %s\n' "$*"; }
die() {
    printf 'set-up: stopped: %s\nset-up: next: %s\n' "$1" "$2"
    exit 1
}

# The stamp: what .venv was made from. Its place is part of it, because scripts in .venv hold its path.
fingerprint() {
    printf '%s\n' "$root"
    uname -m
    "$venv/bin/python" -V
    sha256sum <"$root/requirements.lock"
    sha256sum <"$root/pyproject.toml"
}
is_current() { [ -r "$stamp" ] && [ "$(fingerprint 2>&1)" = "$(cat "$stamp")" ]; }

tell_missing() {
    have_mosquitto || say "no mosquitto: the embedded broker amqtt will serve instead (MQTT 3.1.1 only)"
    have_strace || say "no strace: tests of a disk that fails, hangs or loses its power are skipped"
}
have_mosquitto() { [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null; }
have_strace() { [ $for_tests = no ] || command -v strace >/dev/null; }

# Runs a command, shows its output and keeps it in a file; a missing .ok means it failed, on a full disk too.
logged() {
    rm -f "$log.ok"
    { "$@" 2>&1 9>&- </dev/null && : >"$log.ok"; } | tee "$log"
    [ -e "$log.ok" ]
}

# ---- Python: one that the lock covers. Facts are "major minor bits ensurepip" and the path of its base.
python_facts() {
    "$1" -c '
import struct, sys
try:
    import ensurepip, venv
    pip = "pip"
except ImportError:
    pip = "no-pip"
print(sys.version_info[0], sys.version_info[1], struct.calcsize("P") * 8, pip)
print(getattr(sys, "_base_executable", None) or sys.executable)' 2>/dev/null
}

# Sets python to the first usable one; else python stays empty, and fault says what the first one lacks.
choose_python() {
    python='' fault='' bare=''
    if [ -n "${NETMETER_PYTHON:-}" ]; then
        set -- "$NETMETER_PYTHON"
    else
        set -- python3 /usr/bin/python3 python3.13 python3.12 python3.11
    fi
    for candidate; do
        facts=$(python_facts "$candidate") || continue
        base=$(printf '%s\n' "$facts" | sed -n 2p)
        case $facts in
            "3 11 64 pip"* | "3 12 64 pip"* | "3 13 64 pip"*) python=$base; return ;;
            "3 11 64 "* | "3 12 64 "* | "3 13 64 "*) bare=${bare:-$base} ;;
            "3 11 "* | "3 12 "* | "3 13 "*) fault=${fault:-"$base is 32-bit"} ;;
            *) fault=${fault:-"$base is Python $(printf '%s\n' "$facts" | sed -n '1s/^\([0-9]*\) \([0-9]*\) .*/\1.\2/p')"} ;;
        esac
    done
}

die_without_python() {
    case $fault in
        *32-bit) die "$fault, and numba and numpy exist for 64-bit only" \
            "install the 64-bit Raspberry Pi OS (Pi 3 or later) or a 64-bit Debian, then start again" ;;
        *Python*) die "$fault; 3.11, 3.12 or 3.13 is needed" \
            "use Debian 12 or 13, or name another interpreter: NETMETER_PYTHON=/path/to/python3.12" ;;
    esac
    case $bare in
        '' | /usr/bin/python*) ;;
        *) die "$bare cannot make virtual environments (no ensurepip)" \
            "name an interpreter that can: NETMETER_PYTHON=/usr/bin/python3" ;;
    esac
    [ -z "$bare" ] || die "$bare cannot make virtual environments (no ensurepip)" "as root: $(apt_line)"
    die "no python3 was found" "as root: $(apt_line)"
}

# ---- apt: only what is missing, only where root can be had.
apt_line() { printf 'apt-get update && apt-get install -y --no-install-recommends %s' "${packages:-python3-venv}"; }

# Sets as_root to the prefix that makes a command root's: nothing, or sudo.
can_be_root() {
    as_root=''
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || return 1
    as_root=sudo
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] || return 1
    say "sudo may ask for your password, to install: $packages (--no-system does without)"
    sudo -v
}

step() {
    say "$*"
    "$@" 9>&-
}

install_packages() {
    # Debian starts a system broker on port 1883 as it installs one. A mask that ends with the next boot stops that.
    masked=''
    case $packages in
        *mosquitto*)
            if [ -d /run/systemd/system ] && ! systemctl cat mosquitto.service >/dev/null 2>&1; then
                masked=yes
                step $as_root systemctl mask --runtime mosquitto.service || return 1
            fi ;;
    esac
    step $as_root apt-get -q update || say "the package lists could not be refreshed; trying with those that are here"
    installed=yes
    # shellcheck disable=SC2086  # a list of words
    step $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=180 \
        install -y --no-install-recommends $packages </dev/null || installed=no
    if [ -n "$masked" ]; then
        step $as_root systemctl unmask --runtime mosquitto.service || :
        [ "$installed" = no ] || step $as_root systemctl disable mosquitto.service || :
    fi
    [ "$installed" = yes ]
}

want_packages() {
    packages=''
    if ! is_current; then
        choose_python
        # Debian's package mends a missing Python and a Debian Python without ensurepip, not one of the wrong kind.
        case $python:$bare:$fault in
            :: | :/usr/bin/python*) packages=python3-venv ;;
        esac
    fi
    have_mosquitto || packages="$packages${packages:+ }mosquitto"
    have_strace || packages="$packages${packages:+ }strace"
}

system_part() {
    want_packages
    [ -n "$packages" ] || return 0
    if [ $apt_allowed = no ]; then
        say "missing, and --no-system forbids apt: $packages"
    elif ! command -v apt-get >/dev/null; then
        say "missing, and there is no apt-get here: $packages (install them your own way)"
    elif ! can_be_root; then
        say "missing, and only root can install: $packages"
        say "root can do it once for everybody: $(apt_line)"
    elif ! install_packages; then
        say "apt did not succeed. Is the network up? Is another apt running? Then start again."
    fi
}

# ---- .venv
explain_pip() {
    if grep -q -e 'No space left' -e 'Disk quota' "$log"; then
        die "the disk is full" "free 1 GB under $root and ${TMPDIR:-/tmp}, then start again"
    elif grep -q -e 'CERTIFICATE_VERIFY_FAILED' -e 'SSLError' "$log"; then
        die "the package index's certificate is not trusted" \
            "behind a company proxy set PIP_CERT=/path/to/ca.pem; else check the date ($(date))"
    elif grep -q -e 'Temporary failure in name' -e 'Name or service not known' -e 'NewConnectionError' \
        -e 'Network is unreachable' -e 'connection broken by' -e 'ProxyError' "$log"; then
        die "the package index cannot be reached" "connect to the network (proxy: https_proxy), then start again"
    elif grep -q -e 'DO NOT MATCH THE HASHES' "$log"; then
        die "a downloaded file is not the one in requirements.lock" "pip cache purge, look at pip config list, start again"
    fi
    die "pip did not succeed" "read $log, then start again"
}

make_venv() {
    [ -n "${python:-}" ] || choose_python
    [ -n "$python" ] || die_without_python
    free_kib=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
    if [ ! -d "$venv" ] && [ "$free_kib" -lt $free_needed_kib ]; then
        die "the disk is nearly full: $free_kib KiB free, $free_needed_kib needed" "free some space under $root"
    fi
    say "making $venv with $python"
    "$python" -m venv --clear "$venv" 9>&- ||
        die "python -m venv did not succeed" "read the lines above; as root: $(apt_line)"
}

python_part() {
    # A .venv from elsewhere or by another Python is made anew; an older lock's is brought up to date in place.
    if ! "$venv/bin/python" -m pip -V >/dev/null 2>&1 || [ ! -e "$venv/made-at" ] ||
        [ "$("$venv/bin/python" -V; printf '%s' "$root")" != "$(cat "$venv/made-at")" ]; then
        make_venv
        { "$venv/bin/python" -V; printf '%s' "$root"; } >"$venv/made-at"
    fi
    rm -f "$stamp"
    cd "$root"
    # A user's own pip settings (index, certificates, proxy) hold, except one that would aim outside .venv.
    export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    say "pip install --require-hashes -r requirements.lock (180 MB to fetch the first time; some minutes on a Pi)"
    logged "$venv/bin/python" -m pip install --require-hashes --only-binary :all: -r requirements.lock || explain_pip
    say "pip install --editable . (this checkout)"
    logged "$venv/bin/python" -m pip install --no-deps --no-build-isolation --no-index --editable . || explain_pip
    fingerprint >"$stamp.new"
    mv "$stamp.new" "$stamp"
    say "done"
}

# ---- the compiled kernel: made where a linker is, and again when its source or the linkers change.
kernel_facts() {
    cat "$root"/gateway/kernels/*.py | sha256sum
    for linker in ld ld.lld cc gcc clang; do command -v $linker || :; done
}
kernel_is_current() {
    [ -d "$root/gateway/kernels" ] || return 0
    [ -r "$kernel_stamp" ] && [ "$(kernel_facts)" = "$(cat "$kernel_stamp")" ]
}

kernel_part() {
    say "netmeter kernel build (some seconds)"
    "$venv/bin/python" -m gateway.cli kernel build --into "$venv/lib/netmeter-gateway" 9>&- ||
        say "no compiled kernel: the gateway runs the same one in plain Python"
    kernel_facts >"$kernel_stamp"
}

for option; do
    case $option in
        --no-system) apt_allowed=no ;;
        --for-tests) for_tests=yes ;;
        *) die "unknown option $option" "sh hil/setup.sh [--no-system] [--for-tests]" ;;
    esac
done
[ "$(uname -s)" = Linux ] || die "this is $(uname -s)" "use a 64-bit Linux (Debian 12, Raspberry Pi OS)"

if is_current && { kernel_is_current || [ ! -w "$venv" ]; } \
    && { { have_mosquitto && have_strace; } || [ $apt_allowed = no ] || [ ! -w "$root" ]; }; then
    tell_missing
    exit 0
fi
# Tried in a shell of its own: a redirection that fails on exec would end this one without a word.
if ! (: >"$root/.setup-lock") 2>/dev/null; then
    die "$(id -un) cannot write in $root" "use a checkout of your own: git clone it into your home, and start there"
fi
exec 9>"$root/.setup-lock"
if ! flock -n 9; then
    say "another set-up of this checkout is running; waiting for it"
    flock 9
fi
if [ -d "$venv" ] && [ ! -w "$venv" ]; then
    die "$venv belongs to $(stat -c %U "$venv")" "as that user: rm -r '$venv', then start again"
fi
system_part
is_current || python_part
kernel_is_current || kernel_part
tell_missing
