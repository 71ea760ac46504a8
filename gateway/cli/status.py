"""`netmeter status`: what the running gateway says of itself, asked over its Unix socket."""

import json
from pathlib import Path
from typing import Any

import click

from .daemon import ask_daemon
from .errors import chosen_config, config_of, config_option
from .text import kwh, watts

EXIT_NOT_RUNNING = 3
CERTIFICATE_DAYS = 14
FULL = "disk is full"
"""In SQLite's words, and in ours."""
NOT_BOOKED = ("quarantined", "rejected", "waiting")


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(config_path: Path | None, as_json: bool) -> None:
    """Whether meters are read, the store written and records delivered; and the account as it stands.

    \b
    Example:
      netmeter status
      netmeter status --json

    \b
    Exit codes:
      0  all is well
      1  something is wrong: it is said
      2  the command line is wrong
      3  no gateway is running
    """
    config = config_of(chosen_config(config_path))
    answer = ask_daemon(config, {"command": "status"})
    if answer is None:
        named = f" --config {config_path}" if config_path is not None else ""
        click.echo(f"no gateway {config.gateway.id} is running; start it with `netmeter run{named}`", err=True)
        raise SystemExit(EXIT_NOT_RUNNING)
    troubles = find_troubles(answer)
    if as_json:
        click.echo(json.dumps({**answer, "troubles": troubles}, indent=2))
    else:
        _print(answer, troubles)
    raise SystemExit(1 if troubles else 0)


def find_troubles(answer: dict[str, Any]) -> list[str]:
    """What a person should look at, one line each; empty where all is well."""
    troubles = [str(answer["error"])] if answer.get("error") else []
    if answer.get("storage", "ok") != "ok":
        room = "; make room on that disk: until then what is read waits in memory" if FULL in answer["storage"] else ""
        troubles.append(f"store: {answer['storage']}{room}")
    check, checkpoint = answer.get("storage_check", "ok"), answer.get("checkpoint", "ok")
    if check not in ("ok", "running"):
        troubles.append(f"store check: {check}")
    if checkpoint != "ok":
        troubles.append(f"checkpoint file: {checkpoint}")
    if answer.get("clock") == "unsynced":
        troubles.append(
            "clock: not set yet; readings wait, and are booked to their hours when it is. "
            "`timedatectl` tells whether NTP runs; where there is none: [gateway] clock, docs/configuration.md"
        )
    delivery = answer["delivery"]
    if not delivery["connected"]:
        troubles.append(f"broker {delivery['broker']} is away: {delivery['error'] or 'not connected yet'}")
    elif delivery["held"]:
        topics = ", ".join(delivery["held"])
        troubles.append(f"the broker refused {delivery['refused']} records of {topics}: {delivery['error']}")
    if delivery["thrown_out"]:
        troubles.append(_twin(answer, int(delivery["thrown_out"])))
    for name in ("broker", "client"):
        days = delivery.get(f"{name}_certificate_days")
        if days is not None and days < CERTIFICATE_DAYS:
            troubles.append(f"the {name}'s certificate {'has ended' if days < 0 else f'ends in {days} days'}")
    for meter in answer.get("meters", ()):
        if not meter["online"]:
            what = "is read but not booked" if meter["error"].startswith(NOT_BOOKED) else "is not read"
            troubles.append(f"meter {meter['name']} {what}: {meter['error'] or 'no reading yet'}")
    return troubles


def _twin(answer: dict[str, Any], times: int) -> str:
    gateway = answer.get("gateway", "?")
    often = "once" if times == 1 else f"{times} times"
    told = (
        f"another gateway runs as {gateway}: it has taken this one's place at the broker {often}; records wait"
        " meanwhile. Give one of them a [gateway] id of its own and restart both"
    )
    if answer.get("store_epoch_reason") == "moved":
        return f"{told}; this one began as a copy of another machine's card"
    return told


def _print(answer: dict[str, Any], troubles: list[str]) -> None:
    delivery = answer["delivery"]
    link = f"connected, MQTT {delivery['protocol']}" if delivery["connected"] else "away"
    click.echo(
        f"gateway {answer.get('gateway', '?')}  version {answer.get('version', '?')}  up {answer['uptime_s']} s"
        f"  clock {answer.get('clock', '?')}  kernel {answer.get('kernel', '?')}"
    )
    if answer.get("kernel_why"):
        click.echo(f"kernel  in plain Python, which books the same: {answer['kernel_why']}")
    because = f" ({delivery['only_sent_because']})" if delivery["only_sent_because"] else ""
    click.echo(
        f"broker  {delivery['broker']}  {link}  {delivery['acknowledged']} records"
        f" {delivery['acknowledged_means']}{because}, {answer.get('outbox_depth', '?')} waiting"
    )
    way = {"none": "not encrypted, on this machine", "tls": "TLS"}.get(delivery["encryption"], "NOT ENCRYPTED")
    click.echo(f"        {way}; delivered when {delivery['delivered_when']}")
    for one in answer.get("consumers", ()):
        reached = f"has {one['kind']} records of {one['meter']} up to {one['upto']}, {one['behind']} behind"
        click.echo(f"        {one['consumer']} {reached}")
    click.echo(f"store   {answer.get('storage', '?')}, {answer.get('commits', '?')} commits since the start")
    if "storage_check" in answer:
        rows, links = answer["storage_check_rows"], answer["storage_check_links"]
        click.echo(f"        full check {answer['storage_check']}: {rows} rows, {links} links of the chain")
    for meter in answer.get("meters", ()):
        _print_meter(meter)
    for trouble in troubles:
        click.echo(f"! {trouble}", err=True)


def _print_meter(meter: dict[str, Any]) -> None:
    readings = ", ".join(f"{count} {name}" for name, count in meter["readings"].items() if count) or "none yet"
    age = f"{meter['last_reading_age_s']} s ago" if meter["last_reading_age_s"] is not None else "never"
    click.echo(f"meter {meter['name']} ({meter['role']})  {'online' if meter['online'] else 'OFFLINE'}  read {age}")
    click.echo(f"  readings   {readings}")
    wire = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in meter.get("wire", {}).items() if count)
    click.echo(f"  wire       {wire or 'nothing yet'}")
    state = meter["state"]
    if state is None:
        return
    click.echo(f"  power      {watts(state['power_milliw'])}   bucket now: {state['bucket']}")
    for direction in ("import", "export"):
        click.echo(f"  {direction:<10} {register_line(state, direction)}")
        prefix = f"{direction}_bucket_"
        for key, milliwh in state.items():
            if key.startswith(prefix) and milliwh is not None:
                name = key.removeprefix(prefix).removesuffix("_milliwh")
                doubt = kwh(state[f"{direction}_uncertain_{name}_milliwh"])
                click.echo(f"    {name:<24} {kwh(milliwh):>18}   uncertain {doubt}")
        click.echo(f"    {'unassigned':<24} {kwh(state[f'{direction}_unassigned_milliwh']):>18}")


def register_line(state: dict[str, Any], direction: str) -> str:
    """The register that is booked, and what the meter shows where that has rolled over."""
    register_milliwh, rolled_milliwh = (state[f"{direction}_{what}_milliwh"] for what in ("register", "rolled_over"))
    line = f"register {kwh(register_milliwh)}"
    if rolled_milliwh:
        line += f"   (rolled over: the meter shows {kwh(register_milliwh - rolled_milliwh)})"
    return line
