"""Where things are: the data files that ship with the program, config, store, socket, and the supervisor's ear.

The only file that reads the environment. Data files are looked for in the package first, then in the
checkout around it. A service gets its folders from systemd (systemd.exec(5), STATE_DIRECTORY=...), everybody
else by the XDG Base Directory Specification. Creates nothing; whoever writes makes the folder.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .config.types import Config

APP = "netmeter-gateway"
SOCKET_PATH_LIMIT_BYTES = 107  # unix(7): sun_path is 108 bytes with its closing zero
MACHINE_FOLDER = Path("/etc")
"""Where the machine's own config lies, for everybody on it."""
_PACKAGE = Path(__file__).resolve().parent


class PlaceError(Exception):
    """A file or folder that is needed has no usable place; the message says what to set."""


def data_folders(kind: str) -> tuple[Path, ...]:
    """Where files of a kind (`config`, `config/tariffs`, `systemd`) can be, best first; only those that exist."""
    places = (_PACKAGE / "data" / kind, _PACKAGE.parent / kind)
    return tuple(place for place in places if place.is_dir())


def files_by_name(folders: Iterable[Path]) -> dict[str, Path]:
    """The TOML files of some folders by name, without `.toml`; of two with one name the earlier folder's."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def data_file(relative: str) -> Path:
    """A file that ships with the program, such as `config/tariffs/pge-e-tou-c.toml`. Raises PlaceError."""
    places = (_PACKAGE / "data" / relative, _PACKAGE.parent / relative)
    for place in places:
        if place.is_file():
            return place
    raise PlaceError(f"{relative} is not installed: looked for " + " and ".join(str(place) for place in places))


def config_candidates() -> tuple[Path, ...]:
    """Where gateway.toml is looked for when nobody names it: the service's folder, the user's, the machine's."""
    folders = [_systemd("CONFIGURATION_DIRECTORY"), _xdg("XDG_CONFIG_HOME", ".config"), MACHINE_FOLDER / APP]
    paths = [folder / "gateway.toml" for folder in folders if folder is not None]
    return tuple(dict.fromkeys(paths))


def find_config() -> Path:
    """The first config that exists. Raises PlaceError that lists the places; nothing is invented."""
    candidates = config_candidates()
    for path in candidates:
        try:
            path.stat()
        except OSError:
            continue
        return path
    looked = ", ".join(str(path) for path in candidates)
    mend = "name one with --config PATH; `netmeter scan --write gateway.toml` makes one"
    if Path("gateway.toml").is_file():  # never taken unasked: a command means the same in whatever folder it is typed
        mend = "there is one in this folder, for which: --config gateway.toml"
    raise PlaceError(f"no gateway.toml found: looked for {looked}; {mend}")


def store_path(config: Config) -> Path:
    """The ledger's SQLite file: as configured, else `ledger.sqlite` in the state folder. Raises PlaceError."""
    if config.store.path:
        return Path(config.store.path)
    return _state_folder() / config.gateway.id / "ledger.sqlite"


def socket_path(config: Config) -> Path:
    """The Unix socket that a daemon with this config opens. Raises PlaceError where the path is too long."""
    folder = _systemd("RUNTIME_DIRECTORY") or _xdg_runtime() or _state_folder()
    return _checked_socket(folder / f"{config.gateway.id}.sock")


def socket_candidates(config: Config) -> tuple[Path, ...]:
    """Where a command looks for the daemon's socket, best first: a user's own place, the service's, the state folder.

    Places whose path is too long for a socket are left out: no daemon can have one there. Never raises.
    """
    folders = (
        _systemd("RUNTIME_DIRECTORY"),
        _xdg_runtime(),
        Path("/run") / APP,
        _systemd("STATE_DIRECTORY"),
        _xdg("XDG_STATE_HOME", ".local/state"),
    )
    paths = (folder / f"{config.gateway.id}.sock" for folder in folders if folder is not None)
    return tuple(dict.fromkeys(path for path in paths if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES))


def kernel_folders() -> tuple[Path, ...]:
    """Where the compiled kernel may be, best first: in the Python environment, so that it goes with it; else in the
    user's cache.
    """
    cache = _systemd("CACHE_DIRECTORY") or _xdg("XDG_CACHE_HOME", ".cache")
    return (Path(sys.prefix) / "lib" / APP, *(() if cache is None else (cache,)))


def notify_address() -> str | None:
    """The supervisor's socket as sd_notify(3) names it, a path or an abstract @name; None where nobody listens."""
    return os.environ.get("NOTIFY_SOCKET") or None


def credentials_folder() -> Path | None:
    """Where systemd has put what LoadCredential= names; None where it has put nothing. (systemd.exec(5))"""
    return _systemd("CREDENTIALS_DIRECTORY")


def watchdog_period_us() -> int | None:
    """How long the supervisor waits for a word from this process, sd_watchdog_enabled(3); None where it does not."""
    period, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID") or str(os.getpid())
    return int(period) if period.isascii() and period.isdigit() and int(period) and pid == str(os.getpid()) else None


def _checked_socket(path: Path) -> Path:
    length = len(os.fsencode(path))
    if length > SOCKET_PATH_LIMIT_BYTES:
        mend = "set XDG_RUNTIME_DIR to a folder with a shorter name"
        raise PlaceError(f"socket {path} has {length} bytes, Linux takes {SOCKET_PATH_LIMIT_BYTES}: {mend}")
    return path


def _state_folder() -> Path:
    folder = _systemd("STATE_DIRECTORY") or _xdg("XDG_STATE_HOME", ".local/state")
    if folder is None:
        raise PlaceError("no folder for the store: set HOME or XDG_STATE_HOME, or write [store] path in gateway.toml")
    return folder


def _systemd(name: str) -> Path | None:
    """systemd gives a list with colons where a unit names several; ours names one."""
    first = os.environ.get(name, "").split(":")[0]
    return Path(first) if first.startswith("/") else None


def _xdg(name: str, below_home: str) -> Path | None:
    """The XDG folder of this program. A relative path in the variable is to be ignored, says the specification."""
    folder = os.environ.get(name, "")
    if folder.startswith("/"):
        return Path(folder) / APP
    home = os.environ.get("HOME", "")
    return Path(home) / below_home / APP if home.startswith("/") else None


def _xdg_runtime() -> Path | None:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(folder) / APP if folder.startswith("/") else None
