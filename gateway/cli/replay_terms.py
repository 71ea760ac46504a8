"""The terms of a replay from the command line and, where one is named, the daemon's config. The command line wins.

What the user has to choose has no default here either: which tariff, and the size of the service.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from ..clock import STATED_ERROR_US
from ..config.types import Config, GapPolicy, MeterSection, Role
from ..replay import Service, Terms
from ..replay.terms import CLOCK_ERROR_US

S_US = 1_000_000
MOST_SECONDS = 31 * 86_400
Options = Mapping[str, Any]


def tariff_of(config: Config | None, options: Options) -> str:
    """The tariff that is meant, by name or path."""
    if options["tariff"] is not None:
        return str(options["tariff"])
    if config is None:
        raise click.UsageError("which tariff? --tariff NAME, such as pge-e-tou-c, or --config gateway.toml")
    return config.accounting.tariff


def terms_of(config: Config | None, options: Options) -> Terms:
    """What the command line says, else the config, else what `Terms` has."""
    section = None if config is None else _meter(config, options["meter"])
    if config is None and options["meter"] is not None:
        raise click.UsageError("--meter goes with --config")
    service = _service(section, options)
    accounting = None if config is None else config.accounting
    gap = options["gap"] or (accounting.gap.value if accounting else GapPolicy.PRO_RATA.value)
    max_gap_us = _seconds(options, "max_gap_s", least_us=S_US)
    if max_gap_us is None:
        max_gap_us = (accounting.max_gap_s if accounting else 3600) * S_US
    clock_error_us = _seconds(options, "clock_error_s")
    return Terms(
        service=service,
        production=_production(config, service, options),
        interval_min=int(options["interval_min"] or (accounting.interval_min if accounting else 15)),
        gap=GapPolicy(gap),
        max_gap_us=max_gap_us,
        poll_us=_seconds(options, "poll_s", least_us=1),
        half_window_us=_seconds(options, "window_s") or 0,
        clock_error_us=_clock_error_us(config) if clock_error_us is None else clock_error_us,
        resolution_milliwh=_resolution_milliwh(options),
        rounded=options["rounded"],
    )


def _meter(config: Config, name: str | None) -> MeterSection:
    known = {section.name: section for section in config.meter}
    if name is not None:
        if name not in known:
            raise click.UsageError(f"no meter {name} in the config; known: {', '.join(known)}")
        return known[name]
    fitting = [section for section in config.meter if section.role is not Role.PRODUCTION] or list(config.meter)
    if len(fitting) > 1:
        raise click.UsageError(f"which meter? --meter {' | '.join(section.name for section in fitting)}")
    return fitting[0]


def _service(section: MeterSection | None, options: Options) -> Service:
    amps, volts, phases = (options[key] for key in ("service_amps", "service_volts", "service_phases"))
    if section is None and (amps is None or volts is None):
        why = "how much can flow at all tells a jump from energy: what the main breaker says"
        raise click.UsageError(f"--service-amps and --service-volts (or --config) are needed: {why}")
    if section is None:
        return Service(amps, volts, phases or 1)
    return Service(
        amps or section.service_amps,
        volts or section.service_volts,
        phases or section.service_phases,
    )


def _production(config: Config | None, service: Service, options: Options) -> Service | None:
    if options["production_amps"] is not None:
        return Service(options["production_amps"], service.volts, service.phases)
    arrays = [section for section in config.meter if section.role is Role.PRODUCTION] if config else []
    if len(arrays) != 1:
        return None
    return Service(arrays[0].service_amps, arrays[0].service_volts, arrays[0].service_phases)


def _clock_error_us(config: Config | None) -> int:
    """As the config states it. How well NTP kept the clock when the table was recorded, nobody can say afterwards."""
    if config is None:
        return CLOCK_ERROR_US
    stated_us = config.gateway.clock_error_s * S_US
    return stated_us or STATED_ERROR_US.get(config.gateway.clock, CLOCK_ERROR_US)


def _seconds(options: Options, key: str, least_us: int = 0) -> int | None:
    text = options[key]
    if text is None:
        return None
    option = "--" + key.replace("_", "-")
    number = _decimal(text, option)
    if number > MOST_SECONDS or number * S_US != int(number * S_US) or number * S_US < least_us:
        message = f"{text!r}: seconds from {Decimal(least_us) / S_US} to {MOST_SECONDS}, to the microsecond"
        raise click.BadParameter(message, param_hint=option)
    return int(number * S_US)


def _resolution_milliwh(options: Options) -> int | None:
    text = options["resolution_wh"]
    if text is None:
        return None
    number = _decimal(text, "--resolution-wh")
    if not Decimal("0.001") <= number <= 1_000_000 or number * 1000 != int(number * 1000):
        message = f"{text!r}: watt-hours from 0.001 to 1000000, in steps of 0.001; a meter of 0.1 kWh has 100"
        raise click.BadParameter(message, param_hint="--resolution-wh")
    return int(number * 1000)


def _decimal(text: str, option: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or len(text) > 20 or abs(number.adjusted()) > 20 or number < 0:
        raise click.BadParameter(f"{text!r} is no number that can be used", param_hint=option)
    return number
