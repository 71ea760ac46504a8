"""gateway.toml -> `Config`, once, or every mistake in it at once.

Never falls back to a guess: a file that is missing or wrong gives no Config. Paths in it are relative to the
file's own folder and come out absolute. docs/configuration.md tells each key.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..tariff.tariff_file import is_path
from .account_rules import check_accounts
from .clock_rules import check_clock
from .convert import Converter
from .document import read_document
from .meter_rules import check_meters
from .problem import ConfigError, Problem, errors_of
from .profiles import profile_path
from .rules import check_sections, resolved
from .types import CREDENTIAL, SECRET_FILES, Config
from .way import is_url

__all__ = ["ConfigError", "Examined", "examine", "load_config"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a config file gave: `config` is None where a problem is an error."""

    config: Config | None
    problems: tuple[Problem, ...]


def load_config(path: Path) -> Config:
    """The config in `path`. Raises ConfigError with every mistake.

    A serial port that is not there is no mistake here: adapters are unplugged, and the daemon waits for them.
    Use `examine` to see the warnings too.
    """
    examined = examine(path)
    if examined.config is None:
        raise ConfigError(errors_of(examined.problems))
    return examined.config


def examine(path: Path, *, ports: bool = False) -> Examined:
    """Reads and checks `path`; never raises for what is in it.

    With `ports` a serial port that does not exist counts as an error, else as a warning.
    """
    document = read_document(path)
    config: Config | None = None
    if document.readable:
        converter = Converter(document)
        config = converter.struct(Config)
        if converter.tables:  # else it is another kind of file
            check_sections(document, converter)
            check_meters(document, converter, ports=ports)
            check_clock(document, converter)
            check_accounts(document, converter)
    problems = tuple(sorted(document.problems, key=lambda problem: (problem.file != document.file, problem.line)))
    if errors_of(problems) or config is None:
        return Examined(None, problems)
    return Examined(_with_whole_paths(config, document.folder), problems)


def _with_whole_paths(config: Config, folder: Path) -> Config:
    def whole(text: str) -> str:
        return str(resolved(folder, text)) if text else ""

    def secret(text: str) -> str:
        return text if text.startswith(CREDENTIAL) else whole(text)

    tariff = config.accounting.tariff
    return msgspec.structs.replace(
        config,
        store=msgspec.structs.replace(config.store, path=whole(config.store.path)),
        mqtt=msgspec.structs.replace(config.mqtt, **{key: secret(getattr(config.mqtt, key)) for key in SECRET_FILES}),
        accounting=msgspec.structs.replace(config.accounting, tariff=whole(tariff) if is_path(tariff) else tariff),
        account=tuple(
            msgspec.structs.replace(one, file=whole(one.file), profile=whole(one.profile)) for one in config.account
        ),
        meter=tuple(
            msgspec.structs.replace(
                meter,
                profile=profile_path(folder, meter.profile),
                port=meter.port if is_url(meter.port) else whole(meter.port),
                password_file=secret(meter.password_file),
            )
            for meter in config.meter
        ),
    )
