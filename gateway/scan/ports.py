"""Which serial ports this machine has, by the names that last. Looks at names only; opens nothing.

What is a console, or a UART that the kernel only reserves a name for, is left out.
"""

from dataclasses import dataclass
from pathlib import Path

USB_NAMES = ("ttyUSB*", "ttyACM*", "ttyXRUSB*")
BOARD_NAMES = ("ttyAMA*", "ttySC*", "ttymxc*", "ttyO[0-9]*", "ttyS[0-9]*")
NO_UART = "0"  # sysfs tells this as the type of a ttyS that is not there


@dataclass(frozen=True, slots=True)
class SerialPort:
    """`name` is what a config should hold; `device` what it leads to now."""

    name: str
    device: str


def serial_ports(root: Path = Path("/")) -> tuple[SerialPort, ...]:
    """Every port once, adapters first. `root`: below which /dev, /sys and /proc are looked for."""
    dev = root / "dev"
    consoles = _consoles(root)
    found: dict[str, SerialPort] = {}
    links = sorted((dev / "serial" / "by-id").glob("*"))
    names = [path for pattern in (*USB_NAMES, *BOARD_NAMES) for path in sorted(dev.glob(pattern))]
    for path in (*links, *names):
        device = path.resolve()
        if not device.exists() or device.name in consoles or _is_phantom(root, device.name):
            continue
        found.setdefault(str(device), SerialPort(str(path), str(device)))
    return tuple(found.values())


def lasting_name(port: str, root: Path = Path("/")) -> str:
    """The by-id name of a port that was named otherwise; else the name as it is."""
    device = str(Path(port).resolve())
    links = (link for link in sorted((root / "dev" / "serial" / "by-id").glob("*")) if str(link.resolve()) == device)
    return str(next(links, port))


def _consoles(root: Path) -> frozenset[str]:
    try:
        lines = (root / "proc" / "consoles").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.split()[0] for line in lines if line.split())


def _is_phantom(root: Path, name: str) -> bool:
    if not name.startswith("ttyS") or not name[4:].isdecimal():
        return False
    try:
        return (root / "sys" / "class" / "tty" / name / "type").read_text(encoding="ascii").strip() == NO_UART
    except OSError:
        return False
