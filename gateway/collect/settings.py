"""collect.toml: which broker, which gateways, which database. Parsed once into types, or every mistake at once.

The [mqtt] table is the one of gateway.toml. Paths are relative to the file's own folder and come out absolute.
"""

import re
from pathlib import Path

import msgspec

from ..config.convert import Converter
from ..config.document import read_document
from ..config.problem import ConfigError, errors_of
from ..config.rules import check_sections, resolved
from ..config.types import CREDENTIAL, GATEWAY_TOPIC, METER_TOPIC, SECRET_FILES, MqttSection

_CONSUMER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_GATEWAY = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


class CollectSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[collect]"""

    database: str
    consumer: str
    """Its own name: gateways keep how far each consumer has come."""
    gateways: tuple[str, ...] = ()
    """Empty: all under the base topic."""


class CollectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    collect: CollectSection
    mqtt: MqttSection

    @property
    def database(self) -> Path:
        return Path(self.collect.database)


def read_settings(path: Path) -> CollectSettings:
    """What `path` says. Raises ConfigError with every mistake."""
    document = read_document(path)
    settings = None
    if document.readable:
        converter = Converter(document)
        settings = converter.struct(CollectSettings)
        check_sections(document, converter)
    if settings is not None:
        consumer = settings.collect.consumer
        if not _CONSUMER.fullmatch(consumer):
            mend = "letters, digits, - and _, at most 64; another one for each collector of a gateway"
            document.add(("collect", "consumer"), f'"{consumer}" cannot be a name', mend, value=consumer)
        for gateway in settings.collect.gateways:
            if not _GATEWAY.fullmatch(gateway):
                mend = "as [gateway] id in its gateway.toml; leave gateways out to collect from all"
                document.add(("collect", "gateways"), f'"{gateway}" is no gateway\'s id', mend, value=gateway)
        for key, usual in (("gateway_topic", GATEWAY_TOPIC), ("meter_topic", METER_TOPIC)):
            if getattr(settings.mqtt, key) != usual:
                mend = "leave it out: a collector reads the usual topics alone; let the broker map the others to them"
                document.add(("mqtt", key), f"{key} is another", mend, value=getattr(settings.mqtt, key))
        if not settings.collect.database:
            document.add(("collect", "database"), "database is empty", 'name a file, such as "collected.sqlite"')
    if settings is None or errors_of(document.problems):
        raise ConfigError(errors_of(document.problems))
    return _with_whole_paths(settings, document.folder)


def _with_whole_paths(settings: CollectSettings, folder: Path) -> CollectSettings:
    def whole(text: str) -> str:
        return str(resolved(folder, text)) if text else ""

    mqtt = settings.mqtt
    given = {name: getattr(mqtt, name) for name in SECRET_FILES}
    files = {name: text if text.startswith(CREDENTIAL) else whole(text) for name, text in given.items()}
    return msgspec.structs.replace(
        settings,
        collect=msgspec.structs.replace(settings.collect, database=whole(settings.collect.database)),
        mqtt=msgspec.structs.replace(mqtt, **files),
    )
