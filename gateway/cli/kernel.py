"""`netmeter kernel`: which build of the accumulator kernel the daemon would run, and making the compiled one."""

import json
from pathlib import Path

import click

from .. import places
from .errors import Failure


@click.group()
def kernel() -> None:
    """The compiled accumulator kernel: a small shared library, made once for this Python environment.

    The daemon uses it where it is there and sound, else the same kernel in plain Python; both book the same bits.

    \b
    Example:
      netmeter kernel build
      netmeter kernel show
    """


@kernel.command()
@click.option("--library", type=click.Path(path_type=Path), help="Try this very file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(library: Path | None, as_json: bool) -> None:
    """Which build a daemon started now would run, and why not the compiled one.

    \b
    Example:
      netmeter kernel show

    \b
    Exit codes:
      0  the compiled library
      1  plain Python, or the file of --library is none: it is said why
      2  the command line is wrong
    """
    from ..kernels import LibraryError, service_kernel
    from ..kernels.library import open_library

    if library is None:
        chosen = service_kernel()
    else:
        try:
            chosen = open_library(library)
        except LibraryError as error:
            raise Failure(str(error)) from error
    if as_json:
        click.echo(json.dumps({"kernel": chosen.build.value, "library": chosen.path, "why": chosen.why}))
    else:
        click.echo(f"{chosen.build.value}: {chosen.why or chosen.path}")
    raise SystemExit(1 if chosen.why else 0)


@kernel.command()
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Put it into this folder.")
@click.option(
    "--target", "machine", type=click.Choice(["x86_64", "aarch64"]), help="For another machine; needs --into."
)
@click.option(
    "--object", "object_only", is_flag=True, help="Only the object file, to be linked elsewhere; needs --into."
)
def build(into: Path | None, machine: str | None, object_only: bool) -> None:
    """Compile the kernel into a shared library. Takes some seconds and a linker (Debian: binutils).

    Run it again after an upgrade; the daemon takes the library at its next start. Without --into it lies in the Python
    environment (PREFIX/lib/netmeter-gateway), or where that cannot be written, in the user's cache.

    \b
    Example:
      sudo /opt/netmeter-gateway/bin/netmeter kernel build
      netmeter kernel build --target aarch64 --into build

    \b
    Exit codes:
      0  the library lies in its place, and was tried
      1  it could not be made: it is said why; the daemon runs the kernel in plain Python
      2  the command line is wrong
    """
    from ..kernels.build import BuildError, build_library, is_native, writable_folder
    from ..kernels.library import TARGETS, LibraryError, native_target

    try:
        target = TARGETS[machine] if machine else native_target()
        if into is None and (object_only or not is_native(target)):
            raise click.UsageError("--object, and a --target that is not this machine, need --into FOLDER")
        folder = writable_folder([into] if into is not None else places.kernel_folders())
        click.echo("compiling the kernel (some seconds; longer on a Pi)", err=True)
        if object_only:
            from ..kernels.emit import emit_object

            path = folder / f"netmeter-kernel-{target.machine}.o"
            path.write_bytes(emit_object(target))
        else:
            path = build_library(folder, target)
    except (BuildError, LibraryError) as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.filename}: cannot be written: {error.strerror}") from error
    click.echo(str(path))
