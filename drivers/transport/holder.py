"""Who holds a serial port that cannot be opened: the program's name and number, from /proc. Never raises, never blocks.

A lock is public (proc_locks(5)); which files a program has open is told to root and to its own user alone.
"""

import os
from collections.abc import Iterator
from pathlib import Path

MENDS = {
    "ModemManager": "it takes new ports for modems: `systemctl disable --now ModemManager`",
    "netmeter": "a gateway runs already: `netmeter read` and `scan` go through it, with --config FILE",
}


def holder_of(port: str) -> str | None:
    """The program that holds `port`, for a message: "minicom (pid 812)", with what to do where that is known."""
    own = os.getpid()
    for pid in (*_lockers(port), *_openers(port)):
        if pid == own:
            continue
        name = _name(pid)
        mend = MENDS.get(name, f"end it: `kill {pid}`")
        return f"{name} (pid {pid}); {mend}"
    return None


def _lockers(port: str) -> Iterator[int]:
    """Who holds a lock on it: lines like `3: FLOCK  ADVISORY  WRITE 812 00:05:97 0 EOF`."""
    try:
        status = Path(port).stat()
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == place and words[4].isdecimal():
            yield int(words[4])


def _openers(port: str) -> Iterator[int]:
    device = os.path.realpath(port)
    try:
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]  # noqa: PTH208
    except OSError:
        return
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        try:
            if any(os.readlink(f"{folder}/{descriptor}") == device for descriptor in os.listdir(folder)):  # noqa: PTH115, PTH208
                yield pid
        except OSError:
            continue  # it has ended, or is somebody else's


def _name(pid: int) -> str:
    """Its name as the kernel keeps it; a Python program is named by its script."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        comm = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "another program"
    if comm.startswith("python") and len(words) > 1:
        script = words[words.index(b"-m") + 1] if b"-m" in words[:-1] else words[1]
        return Path(script.decode("utf-8", "replace")).name or comm
    return comm
