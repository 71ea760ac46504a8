"""What changed between an earlier statement, as `--json` wrote it, and the same bill now: a correction, never an edit.

Lines are compared by key and exact amount, so that a change below a cent is told too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from .statement_json import SCHEMA, plain

_GROUPS = ("lines", "other_lines", "true_up", "not_included")


class AgainstError(Exception):
    """The earlier statements cannot be used; the message says why."""


def read_against(path: Path, account: str) -> dict[str, Any]:
    """Earlier statements. Raises AgainstError."""
    mend = "give a file that `netmeter statement --json` wrote"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AgainstError(f"{path}: cannot be read: {error.strerror}; {mend}") from error
    except (ValueError, RecursionError) as error:
        raise AgainstError(f"{path}: is no JSON ({error}); {mend}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("statements"), list):
        raise AgainstError(f"{path}: holds no statements of schema {SCHEMA}; {mend}")
    if found.get("account") != account:
        raise AgainstError(f"{path}: is of account {found.get('account')!r}, not of {account!r}")
    return found


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry for each bill that is in both and is not the same, or in one alone. Raises AgainstError."""
    try:
        before = {(one["first_day"], one["last_day"]): one for one in earlier["statements"]}
        after = {(one["first_day"], one["last_day"]): one for one in now["statements"]}
        return [
            _bill(days, before.get(days), after.get(days))
            for days in sorted({*before, *after})
            if before.get(days) != after.get(days)
        ]
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise AgainstError(f"the earlier statements are damaged: {error!r}") from error


def difference_text(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """For a person; a bill that did not change is not named."""
    if not changes:
        yield "no bill has changed"
    for one in changes:
        yield f"{one['first_day']} to {one['last_day']}: {one['what']}"
        if one["what"] != "changed":
            continue
        if one["energy_changed"]:
            yield f"  energy: import {one['import_milliwh']:+d} mWh, export {one['export_milliwh']:+d} mWh"
        for line in one["lines"]:
            was, here = line["before"] or "not there", line["after"] or "not there"
            yield f"  {line['key']}: {was} -> {here}   ({line['change']})   {line['label']}"
        yield f"  due now: {one['due_before']} -> {one['due_after']}"
        yield f"  carried: {one['carried_before']} -> {one['carried_after']}"
        yield f"  in the year: {one['in_year_before']} -> {one['in_year_after']}"


def _bill(days: tuple[str, str], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    told: dict[str, Any] = {"first_day": days[0], "last_day": days[1]}
    if before is None or after is None:
        return {**told, "what": "new" if before is None else "gone"}
    return {
        **told,
        "what": "changed",
        "energy_changed": before["energy_sha256"] != after["energy_sha256"],
        **{name: after[name] - before[name] for name in ("import_milliwh", "export_milliwh")},
        "lines": list(_lines(before, after)),
        "due_before": before["due_now"],
        "due_after": after["due_now"],
        "carried_before": before["carried_to_true_up"],
        "carried_after": after["carried_to_true_up"],
        "in_year_before": before["carried_in_year"],
        "in_year_after": after["carried_in_year"],
    }


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, str | None]]:
    old, new = (_by_key(one) for one in (before, after))
    for key in dict.fromkeys((*old, *new)):
        was, here = old.get(key), new.get(key)
        if was is not None and here is not None and was["exact"] == here["exact"]:
            continue
        change = Decimal(here["amount"] if here else 0) - Decimal(was["amount"] if was else 0)
        label = (here or was or {}).get("label", "")
        yield {
            "key": key,
            "label": label,
            "before": None if was is None else was["amount"],
            "after": None if here is None else here["amount"],
            "change": plain(change),
        }


def _by_key(one: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {line["key"]: line for group in _GROUPS for line in one[group] or ()}
