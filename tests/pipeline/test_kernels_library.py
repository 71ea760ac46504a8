"""The compiled library: what of it is opened and what is refused, and what a process with it holds in memory.

A process of its own tells of itself from /proc, not from what the program says.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.kernels import Build, LibraryError, library
from gateway.kernels.build import BuildError, build_library, find_linker, writable_folder
from gateway.kernels.library import TARGETS, find_library, library_name, native_target, open_library, seal

from .kernel_builds import made_library, needs_linker

ROOT = Path(__file__).parents[2]
PR_SET_MDWE, PR_GET_MDWE = 65, 66  # <linux/prctl.h>, since Linux 6.3
NOT_BUILT = "run: netmeter kernel build"

pytestmark = needs_linker()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A sound library that a test may spoil."""
    path = tmp_path / made_library().name
    shutil.copy(made_library(), path)
    path.chmod(0o644)
    return path


def spoil_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def swell(path: Path) -> None:
    path.write_bytes(bytes(library.LARGEST_BYTES + 1))


def make_group_writable(path: Path) -> None:
    path.chmod(0o664)


def make_world_writable(path: Path) -> None:
    path.chmod(0o646)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def seal_nonsense(path: Path) -> None:
    """Whole by its digest, but no library: what is left is the loader's word."""
    path.write_bytes(seal(b"no ELF at all", native_target()))


def seal_other_library(path: Path) -> None:
    """A sound library of the system's, sealed as ours: it lacks the entries."""
    import _ctypes

    path.write_bytes(seal(Path(_ctypes.__file__).read_bytes(), native_target()))


SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a byte changed": (spoil_byte, "is damaged, or made of another version"),
    "cut by a byte": (cut, "is damaged, or made of another version"),
    "empty, as after a power cut": (empty, "is damaged, or made of another version"),
    "too large": (swell, "no kernel"),
    "writable by the group": (make_group_writable, "can be written by others; run: chmod 644"),
    "writable by all": (make_world_writable, "can be written by others; run: chmod 644"),
    "a folder": (make_folder, "is not a file"),
    "a pipe that nobody writes to": (make_pipe, "is not a file"),
    "no library": (seal_nonsense, NOT_BUILT),
    "another library": (seal_other_library, "netmeter_split_series"),
}


def test_sound_library_is_opened(copy: Path) -> None:
    kernel = open_library(copy)
    assert kernel.build is Build.AOT
    assert kernel.path == str(copy)
    assert find_library([copy.parent / "missing", copy.parent]).path == str(copy)


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled_library_is_refused_with_its_reason(copy: Path, case: str) -> None:
    spoil, reason = SPOILED[case]
    spoil(copy)
    with pytest.raises(LibraryError, match=reason.replace("(", r"\(")) as refused:
        open_library(copy)
    assert str(copy.parent) in str(refused.value) or "/proc/self/fd" in str(refused.value)


def test_library_of_another_user_is_refused(copy: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(copy, 12345, 12345)
    with pytest.raises(LibraryError, match="belongs to user 12345"):
        open_library(copy)


def test_folder_that_may_not_be_looked_into_is_no_more_than_empty(copy: Path) -> None:
    """As the cache of root is to the service's user."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    code = (
        "import os, sys; from pathlib import Path; from gateway.kernels.library import LibraryError, find_library;"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: find_library([Path(sys.argv[1])])\n"
        "except LibraryError as error: print(error)"
    )
    copy.parent.chmod(0o700)
    done = subprocess.run([sys.executable, "-c", code, copy.parent], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("not built: "), done.stderr


def test_library_that_reckons_wrong_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One term of the long division is made wrong in the source, compiled, linked and sealed as if right."""
    source = (ROOT / "gateway/kernels/split.py").read_text()
    assert source.count("remainder += b\n") == 1
    code = (
        "import sys; from pathlib import Path; from gateway.kernels import split, build, library;"
        "right = Path(split.__file__).read_text(); wrong = dict(vars(split));"
        "exec(right.replace('remainder += b\\n', 'remainder += 1\\n'), wrong);"
        "split.muldiv.__code__ = wrong['muldiv'].__code__; build._try_out = lambda path: None;"
        "print(build.build_library(Path(sys.argv[1]), library.native_target()))"
    )
    done = subprocess.run([sys.executable, "-c", code, copy.parent], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == copy
    with pytest.raises(LibraryError, match="reckons wrong"):
        open_library(copy)


def test_missing_library_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=f"not built: no netmeter-kernel-.*; {NOT_BUILT}"):
        find_library([tmp_path, tmp_path / "missing"])


def test_library_of_another_source_is_not_taken(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "FORMAT", library.FORMAT + 1)
    library.library_key.cache_clear()
    try:
        with pytest.raises(LibraryError, match=f"was made of another version of the kernel's source; {NOT_BUILT}"):
            find_library([copy.parent])
        copy.rename(copy.with_name(library_name(native_target())))
        with pytest.raises(LibraryError, match="made of another version"):
            find_library([copy.parent])  # by its seal, whatever its name says
    finally:
        library.library_key.cache_clear()


def test_every_line_of_the_source_counts_for_the_key(tmp_path: Path) -> None:
    """In a copy of the package: a changed source asks for a new library."""
    shutil.copytree(ROOT / "gateway", tmp_path / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "drivers", tmp_path / "drivers", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from gateway.kernels.library import *; print(library_name(native_target()))"

    def name() -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    names = [name()]
    assert names[0].strip() == made_library().name
    for source in library.SOURCES:
        with (tmp_path / "gateway/kernels" / source).open("a") as file:
            file.write("# another line\n")
        names.append(name())
    assert len(set(names)) == 1 + len(library.SOURCES)


def test_build_removes_what_older_sources_left(copy: Path) -> None:
    stale = copy.with_name(f"netmeter-kernel-0123456789abcdef-{native_target().machine}.so")
    stale.write_bytes(b"old")
    alien = copy.with_name("something-else.so")
    alien.write_bytes(b"not ours")
    assert build_library(copy.parent, native_target()) == copy
    assert sorted(path.name for path in copy.parent.iterdir()) == sorted([copy.name, alien.name])
    assert copy.stat().st_mode & 0o777 == 0o644


def test_a_hostile_umask_leaves_the_library_readable(tmp_path: Path) -> None:
    """root's umask may be 077, and the service's user must read what root made."""
    command = f"umask 077; exec {sys.executable} -m gateway.cli kernel build --into {tmp_path}/new"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o005 == 0o005


def test_object_for_another_processor_is_one(tmp_path: Path) -> None:
    """ELF header, e_machine at byte 18 (ELF-64 Object File Format): 62 x86-64, 183 AArch64."""
    for machine, number in (("x86_64", 62), ("aarch64", 183)):
        command = ["-m", "gateway.cli", "kernel", "build", "--target", machine, "--object", "--into", tmp_path]
        done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        data = Path(done.stdout.strip()).read_bytes()
        assert data[:4] == b"\x7fELF"
        assert int.from_bytes(data[18:20], "little") == number


def test_an_object_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "netmeter-kernel-x86_64.o").mkdir()
    command = ["-m", "gateway.cli", "kernel", "build", "--target", "x86_64", "--object", "--into", tmp_path]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("netmeter-kernel-x86_64.o: cannot be written: Is a directory")


def test_library_for_another_processor_is_linked_by_a_linker_for_it(tmp_path: Path) -> None:
    other = next(target for target in TARGETS.values() if target != native_target())
    try:
        find_linker(other)
    except BuildError as error:
        pytest.skip(str(error))
    code = (
        "import sys; from pathlib import Path; from gateway.kernels.build import build_library;"
        "from gateway.kernels.library import TARGETS; print(build_library(Path(sys.argv[1]), TARGETS[sys.argv[2]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path, other.machine], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(LibraryError):  # and this machine does not take it for its own
        open_library(Path(done.stdout.strip()))


def test_without_a_linker_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"no linker .*apt-get install binutils"):
        find_linker(native_target())


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BuildError, match=r"file/below: Not a directory.*--into"):
        writable_folder([tmp_path / "file/below"])
    assert writable_folder([tmp_path / "file/below", tmp_path / "good"]) == tmp_path / "good"


TELLS = """
import ctypes, json, sys
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
denied = bool({deny}) and libc.prctl({set_mdwe}, 1, 0, 0, 0) == 0
told = {{"mdwe": libc.prctl({get_mdwe}, 0, 0, 0, 0), "denied": denied}}
try:
    {work}
    told["worked"] = True
except BaseException as error:
    told["worked"], told["error"] = False, repr(error)
maps = Path("/proc/self/maps").read_text()
told["mapped"] = sorted({{line.split(None, 5)[5] for line in maps.splitlines() if len(line.split(None, 5)) > 5}})
told["writable_code"] = [line for line in maps.splitlines() if "wx" in line.split()[1]]
told["modules"] = sorted({{name.split(".")[0] for name in sys.modules}})
told["resident_kib"] = int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])
print(json.dumps(told))
"""
USE_LIBRARY = """
    from gateway.kernels.library import open_library
    from array import array
    kernel = open_library(Path({path!r}))
    assert kernel.split_series(array("q", [0, 2]), array("q", [0, 9]), array("q", [0, 1]), array("q", [0, 1]), 2)
"""
USE_NUMBA = """
    import numba
    assert numba.njit(lambda x: x + 1)(1) == 2
"""


def tell(work: str, deny: bool) -> dict[str, object]:
    """What a fresh process holds after `work`; with `deny` it may not make memory executable that was writable."""
    code = TELLS.format(work=work.strip(), deny=deny, set_mdwe=PR_SET_MDWE, get_mdwe=PR_GET_MDWE)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(told, dict)
    return told


def library_work() -> str:
    return USE_LIBRARY.format(path=str(made_library()))


def test_process_with_the_library_holds_neither_numba_nor_numpy() -> None:
    told = tell(library_work(), deny=False)
    assert told["worked"], told
    assert {"numba", "numpy", "llvmlite"}.isdisjoint(told["modules"])  # type: ignore[arg-type]
    mapped = str(told["mapped"])
    assert made_library().name in mapped  # it is the library that ran
    assert not any(name in mapped for name in ("numba", "numpy", "llvmlite"))
    assert told["writable_code"] == []


def test_process_with_numba_would_be_seen() -> None:
    told = tell(USE_NUMBA, deny=False)
    assert told["worked"], told
    assert {"numba", "numpy", "llvmlite"} <= set(told["modules"])  # type: ignore[arg-type, call-overload]
    assert "llvmlite" in str(told["mapped"])
    assert int(str(told["resident_kib"])) > 2 * int(str(tell(library_work(), deny=False)["resident_kib"]))


def test_library_works_where_memory_may_not_become_executable_and_numba_does_not() -> None:
    """What MemoryDenyWriteExecute= asks of the kernel by prctl(2); systemd's older filter forbids the same calls."""
    told = tell(library_work(), deny=True)
    if not told["denied"]:
        pytest.skip("this Linux has no PR_SET_MDWE (6.3 and later have)")
    assert told["mdwe"] == 1
    assert told["worked"], told
    control = tell(USE_NUMBA, deny=True)
    assert control["denied"]
    assert not control["worked"], "numba compiled: nothing was denied, so nothing was shown"


def test_daemons_choice_is_the_library_where_it_lies(tmp_path: Path) -> None:
    """In a process whose Python environment has it, by the command that tells what the daemon would run."""
    code = (
        "import sys; sys.prefix = sys.argv[1]; from gateway.kernels import service_kernel; kernel = service_kernel();"
        "print(kernel.build, kernel.path, kernel.why, sep='|')"
    )

    def choice() -> list[str]:
        environment = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, str(tmp_path)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip().split("|")

    folder = tmp_path / "lib/netmeter-gateway"
    build, path, why = choice()
    assert (build, path) == ("python", "")
    assert why.startswith("not built: ")
    assert str(folder) in why
    folder.mkdir(parents=True)
    shutil.copy(made_library(), folder)
    assert choice() == ["aot", str(folder / made_library().name), ""]
    spoil_byte(folder / made_library().name)
    build, path, why = choice()
    assert (build, path) == ("python", "")
    assert "is damaged" in why


def test_show_tells_the_build_and_why(tmp_path: Path) -> None:
    """`netmeter kernel show` for an environment without a library, then with one."""
    code = "import sys; sys.prefix = sys.argv.pop(1); from gateway.cli import main; main()"

    def show(*options: str) -> tuple[int, str, str]:
        environment = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, str(tmp_path), "kernel", "show", *options]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    code_without, said, _ = show()
    assert code_without == 1
    assert said.startswith("python: not built: ")
    assert said.rstrip().endswith(NOT_BUILT)
    folder = tmp_path / ".cache/netmeter-gateway"
    folder.mkdir(parents=True)
    shutil.copy(made_library(), folder)
    place = str(folder / made_library().name)
    assert show()[:2] == (0, f"aot: {place}\n")
    assert json.loads(show("--json")[1]) == {"kernel": "aot", "library": place, "why": ""}
    assert json.loads(show("--json", "--library", place)[1]) == {"kernel": "aot", "library": place, "why": ""}
    spoil_byte(folder / made_library().name)
    assert show("--library", place)[0] == 1
    assert "is damaged" in show("--library", place)[2]
    assert show("--library", str(tmp_path / "missing"))[2].endswith("missing: No such file or directory\n")
