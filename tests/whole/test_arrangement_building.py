"""`netmeter arrangement`: 24 flats on three gateways, one array, one collector, all bills in one command.

Readings of four days, one an hour, go through the books of each gateway into its own store; what they send goes into
the collector, backwards. The bills are reckoned by hand from the hours of PG&E's E-TOU-C: peak is 16 to 21 h every day.

Each flat takes 1 kWh in each hour: 20 kWh at peak, 76 off peak. The array gives 36 kWh in each hour from 10 to 16 h for
18,000 square feet, 2 Wh for each: flats of 500, 750 and 1,000 have 1, 1.5 and 2 kWh of each such hour, 24 of them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.config.load import load_config
from gateway.kernels import Build, load_kernel
from gateway.ledger.collected.collection import Collection
from gateway.ledger.epochs import Owner
from gateway.ledger.opening import Opener
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.machine import this_machine
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from tests.pipeline.collected_site import CONFIG, METER, Sent, sent_as
from tests.pipeline.world import KWH, reading, utc_us
from tests.whole.test_statement_store import run

FIRST_US, HOURS = utc_us("2026-07-01T00:00:00-07:00"), 96
FEET = {"gw-a": 500, "gw-b": 750, "gw-c": 1000}
UNITS = {gateway: [f"unit-{at}{one}" for one in "abcdefgh"] for at, gateway in enumerate(FEET, 1)}
OFF_PEAK_KWH = {500: 76 - 24, 750: 76 - 36, 1000: 76 - 48}
ACCOUNT = """\
format = 1
id = "tenant"
name = "Tenant"
tariff = "pge-e-tou-c"
[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"
[[programme]]
name = "nem2"
from = 2026-07-01
[[meter]]
name = "grid"
from = "collector"
file = "c.sqlite"
[billing]
read_dates = [2026-07-01, 2026-07-05]
read_day = "first_day"
anniversary = 2026-07-01
"""
BUILDING = """\
format = 1
id = "building"
name = "24 flats"
kind = "vnem"
account = "tenant.toml"
[plant]
technology = "solar"
size_kw = "75"
application = 2023-04-01
pto = 2023-06-01
[[meter]]
name = "array"
from = "collector"
file = "c.sqlite"
gateway = "gw-c"
"""


def registers(meter: str) -> list[tuple[int, int, int]]:
    rows, taken, given = [], 5_000 * KWH, 900 * KWH
    for hour in range(HOURS + 1):
        rows.append((FIRST_US + hour * 3_600_000_000, taken, given))
        if meter != "array":
            taken += KWH
        elif 10 <= hour % 24 < 16:
            given += 36 * KWH
    after = datetime.fromtimestamp(rows[-1][0] // 1_000_000, UTC) + timedelta(minutes=5)
    return [*rows, (round(after.timestamp()) * 1_000_000, taken, given)]


def sent_by(folder: Path, gateway: str, meters: list[str]) -> Iterator[Sent]:
    """What a gateway with these meters sends: its interval records and its heads."""
    text = CONFIG.format(gateway=gateway) + "".join(
        METER.format(meter=one).replace("100\nservice_volts", "400\nservice_volts") + f"unit = {at}\n"
        for at, one in enumerate(meters, 1)
    )
    folder.mkdir()
    (folder / "gateway.toml").write_text(text, encoding="utf-8")
    config = load_config(folder / "gateway.toml")
    owner = Owner(gateway, this_machine(), FIRST_US)
    store = Opener(folder / "ledger.sqlite", owner, meters, lambda path: (migrate(path), None)[1]).open().store
    calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
    ids = OutboxIds(store.newest_outbox_id())
    for section in config.meter:
        books, batch = open_books(config, folder, section, store, calendar, kernel, ids), Batch()
        for at_us, taken, given in registers(section.name):
            books.take(reading(at_us, taken, given, meter=section.name), batch)
        store.commit(batch)
        newest = max(row[0] for row in store.closed_after(section.name, 0, 100_000))
        head = {"schema": 1, "gateway": gateway, "meter": section.name, "store_epoch": store.store_epoch}
        head |= {"oldest_seq": 1, "newest_seq": newest, "chain_head": ""}
        head |= {"oldest_event_seq": 1, "newest_event_seq": 0, "previous_store_epoch": None}
        yield f"netmeter/{gateway}/meter/{section.name}/head", json.dumps(head).encode()
    for row in store.pending(0, 100_000):
        if row.kind == "interval":
            yield f"netmeter/{gateway}/meter/{row.meter}/interval", row.payload.encode()
    store.close()


@pytest.fixture(scope="module")
def building(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("building")
    collection = Collection(folder / "c.sqlite")
    for gateway, units in UNITS.items():
        sent = list(sent_by(folder / gateway, gateway, [*units, *(["array"] if gateway == "gw-c" else [])]))
        collection.apply([sent_as(one, retained=one[0].endswith("/head")) for one in reversed(sent)])
    collection.close()
    members = "".join(
        f'[[member]]\nid = "{unit}"\nmeter = "{unit}"\ngateway = "{gateway}"\n'
        for gateway, units in UNITS.items()
        for unit in units
    )
    shares = "".join(f'{unit} = "{FEET[gateway]}"\n' for gateway, units in UNITS.items() for unit in units)
    text = f'{BUILDING}{members}[[shares]]\nfrom = 2023-06-01\nby = "square_feet"\n[shares.of]\n{shares}'
    (folder / "building.toml").write_text(text, encoding="utf-8")
    (folder / "tenant.toml").write_text(ACCOUNT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(building) -> dict:
    done = run(building, "arrangement", "building.toml", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_24_flats_have_a_bill_and_the_whole_array_is_in_them(made) -> None:
    bills = [member["account"]["statements"] for member in made["members"]]
    assert [len(one) for one in bills] == [1] * 24
    assert made["generated_milliwh"] == sum(one[0]["export_milliwh"] for one in bills) == 24 * 36 * KWH
    assert made["lost_milliwh"] == 0


def test_json_holds_its_schema_and_each_members_part_that_of_a_statement(made) -> None:
    folder = Path(__file__).parents[2] / "gateway/account"
    whole, one = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("arrangement/arrangement.schema.json", "statement.schema.json")
    )
    jsonschema.validate(made, whole)
    jsonschema.validate(made["members"][7]["account"], one)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**made, "generated_milliwh": 0.5}, whole)


@pytest.mark.parametrize("gateway", FEET)
def test_each_flats_lines_are_its_own_use_and_its_share_by_floor_space(made, gateway) -> None:
    """Prices of 2026-03-01; non-bypassable 0.01230 on the 72 hours without sun alone, in which nothing sets it off."""
    feet = FEET[gateway]
    for member in made["members"]:
        if member["id"] not in UNITS[gateway]:
            continue
        lines = {line["key"]: line for line in member["account"]["statements"][0]["lines"]}
        for bucket, kwh, price in (
            ("summer_peak", 20, "0.52240"),
            ("summer_off_peak", OFF_PEAK_KWH[feet], "0.39940"),
        ):
            line = lines[f"energy.2026-07-01.{bucket}"]
            assert Fraction(line["quantity"]) == kwh
            assert Fraction(line["exact"]) == kwh * (Fraction(price) - Fraction("0.01230"))
        assert Fraction(lines["non_bypassable.2026-07-01"]["exact"]) == 72 * Fraction("0.01230")


def test_one_flat_can_be_asked_for_alone_and_all_are_written_to_be_handed_out(building, tmp_path) -> None:
    done = run(building, "arrangement", "building.toml", "--member", "unit-2c", "--html", str(tmp_path / "bills"))
    assert done.returncode == 0, done.stderr
    assert "unit-2c (unit-2c)   statement 1" in done.stdout
    assert [one.name for one in (tmp_path / "bills").iterdir()] == ["unit-2c.html"]
    assert "360 kWh are this account's share of 24 flats" not in done.stderr
    assert "36 kWh are this account's share of 24 flats" in done.stderr


def test_a_flat_whose_gateway_lacks_a_record_is_told_by_name(building, tmp_path) -> None:
    text = (building / "building.toml").read_text(encoding="utf-8").replace('meter = "unit-1a"', 'meter = "unit-1z"')
    (building / "wrong.toml").write_text(text, encoding="utf-8")
    done = run(building, "arrangement", "wrong.toml")
    assert done.returncode == 1
    assert "member unit-1a" in done.stderr
    assert "unit-1z" in done.stderr


HOST = '[[member]]\nid = "barn"\nmeter = "array"\ngateway = "gw-c"\n'
OTHERS = "".join(
    f'[[member]]\nid = "{name}"\nmeter = "{meter}"\ngateway = "{gateway}"\n'
    for name, meter, gateway in (("pumps", "unit-1a", "gw-a"), ("cold", "unit-2a", "gw-b"))
)


@pytest.mark.parametrize(
    ("kind", "programme", "shares_kwh"),
    [
        # 864 kWh are made behind the barn's meter, which takes nothing; pumps and cold storage take 96 kWh each.
        ("nem_a", "nem2", [0, 432, 432]),
        ("pa_virtual", "net_metering_kwh", [864 - 2 * 96, 96, 96]),
    ],
)
def test_a_farms_meters_on_three_gateways_share_what_one_of_them_gives(building, kind, programme, shares_kwh) -> None:
    """The closing statement is reckoned from the same readings: net of each is its use less its share."""
    account = ACCOUNT.replace('name = "nem2"', f'name = "{programme}"')
    (building / "farm-account.toml").write_text(account, encoding="utf-8")
    plant = BUILDING[BUILDING.index("[plant]") : BUILDING.index("[[meter]]")]
    text = f'format = 1\nid = "farm"\nname = "Farm"\nkind = "{kind}"\naccount = "farm-account.toml"\nhost = "barn"\n'
    (building / f"{kind}.toml").write_text(f"{text}{plant}{HOST}{OTHERS}", encoding="utf-8")
    done = run(building, "arrangement", f"{kind}.toml", "--json")
    assert done.returncode == 0, done.stderr
    members = json.loads(done.stdout)["members"]
    assert [one["share_milliwh"] for one in members] == [kwh * KWH for kwh in shares_kwh]
    bills = [one["account"]["statements"][0] for one in members]
    nets = [one["import_milliwh"] - one["export_milliwh"] for one in bills]
    assert nets == [(use - share) * KWH for use, share in zip([0, 96, 96], shares_kwh, strict=True)]
