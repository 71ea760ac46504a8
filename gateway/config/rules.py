"""What gateway.toml must fulfil beyond the types of its keys, the meters apart (those are in `meter_rules`).

Notes problems in the document and changes nothing. Whatever is in doubt at this moment but may be right when the
daemon runs (an adapter that is not plugged in) is a warning, except for whoever asks for a full check.
"""

import re
import stat

from ..tariff.tariff_file import TariffError, is_path, load_tariff
from .convert import Converter, Fields
from .document import Document
from .hosts import check_host, is_loopback, mode_of, resolved
from .mqtt_rules import check_mqtt

__all__ = ["INTERVALS_MIN", "NAME", "NAME_MEND", "check_host", "check_sections", "is_loopback", "mode_of", "resolved"]

NAME = re.compile(r"[a-z0-9_-]{1,32}")
NAME_MEND = "small letters, digits, - and _, at most 32: it becomes part of MQTT topics"
INTERVALS_MIN = (5, 15, 30, 60)


def check_sections(document: Document, converter: Converter) -> None:
    """[gateway], [mqtt], [accounting] and [store], as far as they were understood."""
    tables = converter.tables
    if ("gateway",) in tables:
        _check_gateway(document, tables[("gateway",)])
    if ("mqtt",) in tables:
        check_mqtt(document, tables[("mqtt",)])
    if ("accounting",) in tables:
        _check_accounting(document, tables[("accounting",)])
    if ("store",) in tables:
        _check_store(document, tables[("store",)])


def _check_gateway(document: Document, fields: Fields) -> None:
    name = fields.text("id")
    if name is not None and not NAME.fullmatch(name):
        document.add(("gateway", "id"), f'id "{name}" cannot be used', NAME_MEND, value=name)


def _check_accounting(document: Document, fields: Fields) -> None:
    interval_min = fields.number("interval_min")
    if interval_min is not None and interval_min not in INTERVALS_MIN:
        listed = ", ".join(str(one) for one in INTERVALS_MIN)
        message = f"interval_min = {interval_min} is not one of {listed}"
        document.add(("accounting", "interval_min"), message, value=interval_min)
    # A tariff that is wrong tells its own file and lines; one that is missing is told here.
    name = fields.text("tariff")
    if name is None:
        return
    try:
        load_tariff(str(resolved(document.folder, name)) if is_path(name) else name)
    except TariffError as error:
        for problem in error.problems:
            if problem.line:
                document.problems.append(problem)
            else:
                message = problem.message if not is_path(name) else f"tariff {problem.file} {problem.message}"
                document.add(("accounting", "tariff"), message, problem.mend, value=name)


def _check_store(document: Document, fields: Fields) -> None:
    name = fields.text("path")
    if not name:
        return
    path = resolved(document.folder, name)
    if stat.S_ISDIR(mode_of(path) or 0):
        mend = f'name the file in it: path = "{name.rstrip("/")}/ledger.sqlite"'
        document.add(("store", "path"), f"path {name} is a folder", mend, value=name)
