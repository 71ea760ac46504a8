"""`netmeter-hil`: the demo and the simulated meters, for people and for test rigs.

Nothing heavy is imported before a command needs it. A user's mistake is told in one line, never as a traceback.
"""

from pathlib import Path

import click

from gateway.cli.output import OutputGroup

from .bench.cli import bench
from .card.cli import card

# The 16:00 edge is ten minutes after the start: at this speed it passes after twenty seconds.
DEFAULT_SPEED = 30
SOAK_FAULTS = 50
BAUDS_BD = ["1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200"]


@click.group(cls=OutputGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Everything that stands in for the world around a gateway.

    \b
    Example:
      netmeter-hil demo --duration 60
      netmeter-hil simulate --meter sunspec-203 --tcp-port 15020

    Every command has --help with an example and its exit codes.
    """


@main.command(
    epilog="Example: netmeter-hil demo --duration 60.  Exit code: 0 fine; 1 no reading came through the broker, the "
    "law was broken, or a process ended on its own; 2 wrong options."
)
@click.option("--duration", type=click.FloatRange(min=1), help="Seconds to run; without it, until Ctrl-C.")
@click.option("--speed", type=click.IntRange(1, 600), default=DEFAULT_SPEED, show_default=True, help="1 = real time.")
@click.option("--seed", type=int, help="Another house.")
@click.option("--keep", is_flag=True, help="Keep the folder with config, store, logs and truth files.")
@click.option("--broker", type=click.Choice(["mosquitto", "amqtt"]), help="Default: mosquitto where it is installed.")
@click.option("--optical", is_flag=True, help="The grid meter is read on its optical port, mode C.")
def demo(duration: float | None, speed: int, seed: int | None, keep: bool, broker: str | None, optical: bool) -> None:
    """A simulated house with a 9 kW array, read by the real daemon, published to a real broker, shown as it goes.

    A SunSpec meter over Modbus TCP (or, with --optical, IEC 62056-21) and an SDM630 over Modbus RTU at 9600 baud. What
    is shown is what an independent MQTT client receives.
    """
    from .broker import BrokerKind
    from .house import DEFAULT_SEED
    from .show import DemoOptions, run_demo

    kind = None if broker is None else BrokerKind(broker)
    seed = DEFAULT_SEED if seed is None else seed
    raise SystemExit(run_demo(DemoOptions(duration, speed, seed, keep, kind, is_optical=optical)))


@main.command(
    epilog="Example: netmeter-hil simulate --profile abb-b2x --link ./meter.  It says `ready ADDRESS` when it "
    "serves, and ends on SIGTERM, Ctrl-C, or with the process that started it.  Exit code: 0 ended; 1 cannot serve; "
    "2 wrong options."
)
@click.option("--dump", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Serve this register dump.")
@click.option("--meter", type=click.Choice(["sunspec-203", "sdm630"]), help="Serve this meter in a simulated house.")
@click.option("--profile", metavar="NAME", help="Serve a meter of this model in a simulated house; `list` names all.")
@click.option("--optical", type=click.Choice(["A", "B", "C", "D"]), help="Serve an optical port in this mode; --link.")
@click.option("--fault", multiple=True, metavar="NAME=EVERY", help="(optical) Spoil every so many messages.")
@click.option("--echo", is_flag=True, help="(optical) The head gives back what it is sent.")
@click.option("--tcp-port", type=click.IntRange(0, 65535), help="Loopback port; 0 = any free one.")
@click.option("--link", type=click.Path(path_type=Path), help="Path of the serial port to be made.")
@click.option(
    "--baud", type=click.IntRange(1200, 115200), help="Of the serial port (profile); default: the model's own."
)
@click.option("--unit", type=click.IntRange(1, 247), default=1, show_default=True, help="Modbus unit id (profile).")
@click.option("--refuse-holes", is_flag=True, help="Refuse addresses between registers (profile), as some meters do.")
@click.option("--seed", type=int, help="Which house.")
@click.option("--speed", type=click.IntRange(1, 3600), default=1, show_default=True, help="1 = real time.")
@click.option("--truth", type=click.Path(path_type=Path), help="Write what is truly counted, second by second (CSV).")
def simulate(
    dump: Path | None,
    meter: str | None,
    profile: str | None,
    optical: str | None,
    fault: tuple[str, ...],
    echo: bool,
    tcp_port: int | None,
    link: Path | None,
    baud: str | None,
    unit: int,
    refuse_holes: bool,
    seed: int | None,
    speed: int,
    truth: Path | None,
) -> None:
    """Serve one meter: a recorded register dump, or a meter in a simulated house.

    With --profile: any model that has a meter profile, over Modbus TCP or, with --link, over Modbus RTU.
    With --optical: a meter on an optical port (IEC 62056-21) with a load profile, on the pty --link.
    """
    if [dump, meter, profile, optical].count(None) != 3:
        raise click.UsageError("name either --dump FILE or --meter MODEL or --profile NAME or --optical MODE")
    if optical is not None:
        spoilt = [f"--fault={one}" for one in fault]
        _simulate_optical(optical, link, baud, [*spoilt, *(["--echo"] if echo else [])], seed, speed, truth)
        return
    if fault or echo:
        raise click.UsageError("--fault and --echo go with --optical")
    if profile is not None:
        more = [f"--unit={unit}", *(["--refuse-holes"] if refuse_holes else [])]
        _simulate_profile(profile, tcp_port, link, [*more, *([f"--baud={baud}"] if baud else [])], seed, speed, truth)
        return
    if (meter == "sdm630") != (link is not None):
        raise click.UsageError("--link PATH goes with --meter sdm630, and that needs it")
    if meter == "sdm630" and tcp_port is not None:
        raise click.UsageError("--tcp-port does not go with --meter sdm630, which is on a serial line")
    try:
        if dump is not None:
            from .meters import dump_tcp

            dump_tcp.main([f"--dump={dump}", f"--tcp-port={tcp_port or 0}"])
        else:
            _simulate_meter(tcp_port, link, seed, speed, truth)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{dump or meter}: {error}") from error


def _simulate_profile(
    name: str,
    tcp_port: int | None,
    link: Path | None,
    more: list[str],
    seed: int | None,
    speed: int,
    truth: Path | None,
) -> None:
    from .meters import map_meter
    from .meters.models import MODELS

    if name == "list":
        click.echo("\n".join(sorted(MODELS)))
        return
    if name not in MODELS:
        raise click.UsageError(f"no model {name}; there is: {', '.join(sorted(MODELS))}")
    if link is not None and tcp_port is not None:
        raise click.UsageError("name either --link PATH (serial) or --tcp-port PORT, not both")
    where = [f"--tcp-port={tcp_port or 0}"] if link is None else [f"--link={link}"]
    try:
        map_meter.main([f"--model={name}", *where, *more, *_house_options(seed, speed, truth)])
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{name}: {error}") from error


def _simulate_optical(
    mode: str,
    link: Path | None,
    baud: str | None,
    more: list[str],
    seed: int | None,
    speed: int,
    truth: Path | None,
) -> None:
    from .meters import optical

    if link is None:
        raise click.UsageError("--optical needs --link PATH, where its pty shall be found")
    rate = [] if baud is None else [f"--baud={baud}"]
    try:
        optical.main([f"--mode={mode}", f"--link={link}", *rate, *more, *_house_options(seed, speed, truth)])
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{link}: {error}") from error


def _house_options(seed: int | None, speed: int, truth: Path | None) -> list[str]:
    from .house import DAY_START_US, DEFAULT_SEED
    from .house_time import Anchor

    options = [f"--seed={DEFAULT_SEED if seed is None else seed}", *Anchor.now(DAY_START_US, speed).options()]
    return options if truth is None else [*options, f"--truth={truth}"]


def _simulate_meter(tcp_port: int | None, link: Path | None, seed: int | None, speed: int, truth: Path | None) -> None:
    options = _house_options(seed, speed, truth)
    if link is None:
        from .meters import sunspec_tcp

        sunspec_tcp.main([*options, f"--tcp-port={tcp_port or 0}"])
    else:
        from .meters import sdm630_rtu

        sdm630_rtu.main([*options, f"--link={link}"])


@main.command(
    epilog="Example: netmeter-hil soak kill --seed 1 --n 50.  Progress goes to standard error, one JSON line to "
    "standard output. Exit code: 0 passed; 1 failed or interrupted; 2 wrong options."
)
@click.argument("name")
@click.option("--seed", type=int, required=True, help="Which plan; the same seed replays the same plan of faults.")
@click.option("--n", type=click.IntRange(min=1), help=f"How many faults; {SOAK_FAULTS} without --hours.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="How long, to the end of a round.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep a checkpoint in this file, and go on from it where it exists.",
)
@click.option("--keep-going", is_flag=True, help="Go on after a round in which something was found; fail at the end.")
@click.option("--plan", is_flag=True, help="Print the plan of --n faults and do nothing.")
def soak(
    name: str, seed: int, n: int | None, hours: float | None, resume: Path | None, keep_going: bool, plan: bool
) -> None:
    """Put faults into the real daemon for minutes or days, and judge it by what flowed and what a reader got."""
    from .soak.checkpoint import CheckpointError, Task
    from .soak.runner import run_soak, source_commit
    from .soak.soaks import SOAKS

    if name not in SOAKS:
        known = "; ".join(f"{one.name} ({one.summary})" for one in SOAKS.values())
        raise click.UsageError(f"no soak {name}; there is: {known}")
    if n is not None and hours is not None:
        raise click.UsageError("name either --n N or --hours H, not both")
    if hours is None:
        n = n or SOAK_FAULTS
    if plan:
        if n is None:
            raise click.UsageError("--plan goes with --n N")
        for number in range(1, n + 1):
            click.echo(SOAKS[name].describe(seed, number))
        return
    try:
        code = run_soak(Task(name, seed, n, hours, source_commit()), resume, keep_going)
    except CheckpointError as error:
        raise click.UsageError(str(error)) from error
    raise SystemExit(code)


main.add_command(bench)
main.add_command(card)


if __name__ == "__main__":
    main()
