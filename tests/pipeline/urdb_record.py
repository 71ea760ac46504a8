"""A small URDB record by hand: summer June to September, peak 16 to 21 on weekdays. USD per kWh."""

import json
from pathlib import Path
from typing import Any

from gateway.tariff.urdb_file import read_urdb
from gateway.tariff.urdb_record import UrdbRate, parse_rate

ZONE = "America/New_York"
FULL: dict[str, Any] = {"zone": ZONE, "holidays": "none", "whole_hours": True, "non_bypassable": "unknown"}
"""Answers to all that the record below leaves open."""
OFF, PEAK, WINTER = 0, 1, 2


def record(**changes: Any) -> dict[str, Any]:
    """The record with some keys changed; a change to None takes the key out."""
    summer = [OFF] * 16 + [PEAK] * 5 + [OFF] * 3
    made: dict[str, Any] = {
        "label": "5f0000000000000000000001",
        "utility": "My Utility",
        "name": "TOU-1",
        "startdate": 1735714800,  # 2025-01-01T07:00:00Z
        "servicetype": "Bundled",
        "energyratestructure": [
            [{"rate": 0.1, "unit": "kWh"}],
            [{"rate": 0.3, "adj": 0.0123456, "unit": "kWh"}],
            [{"rate": 0.2, "unit": "kWh"}],
        ],
        "energyweekdayschedule": [summer if 6 <= month <= 9 else [WINTER] * 24 for month in range(1, 13)],
        "energyweekendschedule": [[OFF] * 24 if 6 <= month <= 9 else [WINTER] * 24 for month in range(1, 13)],
        "fixedchargefirstmeter": 12.5,
        "fixedchargeunits": "$/month",
    }
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def write(folder: Path, content: object) -> Path:
    """A JSON file with a record, or with text as it is."""
    path = folder / "rate.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return path


def rate_of(folder: Path, content: object, label: str | None = None) -> UrdbRate:
    """A record as the import reads it."""
    return parse_rate(read_urdb(write(folder, content), label))
