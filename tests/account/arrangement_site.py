"""An arrangement in a folder, for tests: meters as CSV files, an account file for all members, the arrangement's file.

Made without anything that the account reckons with. Energies are watt-hours, one interval after the other.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.account.arrangement.arrange import Arranged, arranged
from gateway.account.arrangement.arrangement_file import read_arrangement

PACIFIC = ZoneInfo("America/Los_Angeles")
FLAT = """\
format = 1
id = "{id}"
name = "One price"
utility = "Municipal Light"
zone = "America/Los_Angeles"
currency = "USD"
source = "a test"
[parts]
supply = ["generation"]
transmission = ["transmission"]
non_bypassable = []
[[season]]
name = "all"
from = "01-01"
to = "12-31"
[[period]]
name = "day"
from = "00:00"
to = "24:00"
[[version]]
effective = 2020-01-01
source = "a test"
[version.energy_per_kwh]
all_day = {{ generation = "{price}", transmission = "0", delivery = "0" }}
"""
ACCOUNT = """\
format = 1
id = "template"
name = "Tenant"
tariff = "{tariff}"
[customer]
utility = "generic"
[[programme]]
name = "{programme}"
from = {first}
[[meter]]
name = "{meter}"
from = "csv"
[billing]
months = true
anniversary = {first}
{more}
"""


def flat_tariff(folder: Path, price: str, name: str = "flat") -> str:
    """One price at all hours."""
    (folder / f"{name}.toml").write_text(FLAT.format(id=name, price=price), encoding="utf-8")
    return f"{name}.toml"


def write_account(
    folder: Path,
    tariff: str,
    programme: str = "net_metering_usd",
    name: str = "account",
    *,
    meter: str = "grid",
    first: date = date(2026, 1, 1),
    more: str = '[choices]\nexport_price = "retail"',
) -> str:
    """An account's file; its meter's file is the member's to name."""
    text = ACCOUNT.format(tariff=tariff, programme=programme, first=first, meter=meter, more=more)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return f"{name}.toml"


def write_meter(folder: Path, name: str, rows: Sequence[tuple[datetime, datetime, int, int]]) -> str:
    """Intervals with (import, export) watt-hours as CSV."""
    lines = ["meter,start,end,import_milliwh,export_milliwh"]
    lines += [f"{name},{a.isoformat()},{b.isoformat()},{taken * 1000},{given * 1000}" for a, b, taken, given in rows]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"{name}.csv"


def days(first: date, count: int, taken_wh: Sequence[int], given_wh: Sequence[int]) -> list:
    """An interval for each local day; the lists repeat."""
    made = []
    for at in range(count):
        begin, end = (
            datetime.combine(first + timedelta(days=at + one), datetime.min.time(), PACIFIC) for one in (0, 1)
        )
        made.append((begin, end, taken_wh[at % len(taken_wh)], given_wh[at % len(given_wh)]))
    return made


def write_arrangement(folder: Path, kind: str, members: Mapping[str, str], more: str) -> Path:
    """`members`: id -> the rest of its table."""
    tables = "".join(f'[[member]]\nid = "{name}"\n{rest}\n' for name, rest in members.items())
    text = f'format = 1\nid = "site"\nname = "Site"\nkind = "{kind}"\naccount = "account.toml"\n'
    path = folder / "site.toml"
    path.write_text(f"{text}{more.partition('[')[0]}{tables}{more[len(more.partition('[')[0]) :]}", encoding="utf-8")
    return path


def reckoned(path: Path, as_of: date | None = None) -> Arranged:
    """All statements; every meter is a file."""
    return arranged(read_arrangement(path), lambda _: lambda meter: (meter.name, ()), as_of)
