"""A file system of our own in a file, whose power can be cut: ext4 on a loop device, and its shutdown ioctl.

EXT4_IOC_SHUTDOWN without a flush of the journal is what xfstests' `godown -f` does: what was not synced is gone, and
the next mount recovers the journal, as after a real cut. Needs root. Never touches a device or a mount of others.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2
SIZE_BYTES = 64 << 20
RELEASED_WITHIN_S = 10.0


class LoopDisk:
    """An ext4 in `image`, mounted at `place`. Raises OSError, subprocess.CalledProcessError."""

    def __init__(self, folder: Path) -> None:
        """The folder must exist; nothing is made yet."""
        self.image, self.place = folder / "disk.img", folder / "disk"

    @property
    def why_not(self) -> str:
        """Why this machine does not allow it; empty where it does. Tries it."""
        if os.geteuid() != 0:
            return "only root may mount a loop device"
        for tool in ("mkfs.ext4", "mount", "umount"):
            if shutil.which(tool) is None:
                return f"{tool} is not here"
        try:
            self.make()
            self.cut()
            self.unmount()
        except (OSError, subprocess.CalledProcessError) as error:
            self.remove()
            return f"no ext4 of our own here: {getattr(error, 'stderr', None) or error}".strip()
        self.remove()
        return ""

    def make(self) -> None:
        """A new, empty file system, mounted."""
        with self.image.open("wb") as image:
            image.truncate(SIZE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self.image))
        self.place.mkdir(exist_ok=True)
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self.image), str(self.place))

    def cut(self) -> None:
        """From now on nothing reaches the image, and what was not synced never will."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        """Whoever had files open there must have ended; waits until the kernel has seen it."""
        deadline_s = time.monotonic() + RELEASED_WITHIN_S
        while True:
            try:
                _run("umount", str(self.place))
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.05)
            else:
                return

    def recover(self) -> None:
        """After a cut: mount what is left, whose journal the kernel recovers.

        From a copy: whoever has made a mount namespace of its own meanwhile still holds the dead file system, and the
        kernel would give that one again, which answers everything with EIO.
        """
        self.unmount()
        copy = self.image.with_name("disk-left.img")
        _run("cp", "--sparse=always", str(self.image), str(copy))
        copy.replace(self.image)
        self.mount()

    def remove(self) -> None:
        """Leave nothing behind. Harmless when repeated."""
        if os.path.ismount(self.place):
            subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)
        self.image.unlink(missing_ok=True)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
