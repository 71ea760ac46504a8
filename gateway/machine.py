"""Which machine this is, as digests: so that a store notices when it wakes up in another one.

Two sources, because a copied card brings its own machine-id(5) along: that, and the board's own serial number where
the device tree has one (a Raspberry Pi). Neither leaves the machine as it is: machine-id(5) asks for a keyed digest.
"""

import hashlib
from pathlib import Path

from .ledger.epochs import Machine

MACHINE_ID = Path("/etc/machine-id")
BOARD_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")


def this_machine(machine_id: Path = MACHINE_ID, board_serial: Path = BOARD_SERIAL) -> Machine:
    """What the system says of itself; empty where it says nothing (a container often does not)."""
    return Machine(_digest(b"netmeter machine 1\x00", machine_id), _digest(b"netmeter board 1\x00", board_serial))


def _digest(domain: bytes, path: Path) -> str:
    try:
        content = path.read_bytes().strip(b"\x00 \n")
    except OSError:
        return ""
    # systemd writes the word while a first boot has not decided yet (machine-id(5)).
    return "" if content in (b"", b"uninitialized") else hashlib.sha256(domain + content).hexdigest()[:32]
