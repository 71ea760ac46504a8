"""The real file system whose power is cut: what was synced is there, what was only written is not."""

import os
import subprocess
from pathlib import Path

import pytest

from hil.power.loop_disk import LoopDisk


def test_a_cut_takes_what_was_not_synced_and_nothing_else(tmp_path: Path) -> None:
    disk = LoopDisk(tmp_path)
    if why := disk.why_not:
        pytest.skip(why)
    others = subprocess.Popen(["true"])
    try:
        disk.make()
        # Somebody else's mount namespace, which keeps the mount alive beyond ours.
        others = subprocess.Popen(["unshare", "--mount", "sleep", "60"])
        for name in ("synced", "unsynced"):
            with (disk.place / name).open("wb", buffering=0) as file:
                file.write(b"x" * 10_000)
                if name == "synced":
                    os.fsync(file.fileno())
        assert (disk.place / "unsynced").stat().st_size == 10_000  # the control: before the cut anybody can read it
        disk.cut()
        with pytest.raises(OSError, match="Input/output error"):
            (disk.place / "later").write_bytes(b"x")
        disk.recover()
        assert (disk.place / "synced").read_bytes() == b"x" * 10_000
        unsynced = disk.place / "unsynced"
        assert not unsynced.exists() or unsynced.read_bytes() != b"x" * 10_000
        disk.unmount()
    finally:
        others.kill()
        others.wait()
        disk.remove()
    assert not os.path.ismount(disk.place)
