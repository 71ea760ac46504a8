"""Green Button files: what a utility's intervals come to as a meter's, and what is refused. Feeds written by hand.

1717225200 is 2024-06-01 00:00 in California. (NAESB ESPI 3.3 and 4.0: flow 1 delivered, 19 received; uom 72 Wh)
"""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.account.account_file import AccountError
from gateway.account.energy import EnergyError, Stretch
from gateway.account.green_button import read_green_button
from gateway.account.rows import table_of
from gateway.account.sources import energy_of, production_of
from gateway.account.terms import AccountMeter, EnergyFrom
from gateway.cli.statement import statement
from gateway.config.types import Role

from .espi_feed import Made, write_feed
from .pennsylvania import account_text
from .reckon import account_file

JUNE_S = 1717225200
HOUR_S = 3600
DELIVERED = Made(1, [(JUNE_S, 1500), (JUNE_S + HOUR_S, 250)])
RECEIVED = Made(19, [(JUNE_S, 0), (JUNE_S + HOUR_S, 800)])


def rows_of(path: Path, *streams: Made, meter: str = "grid") -> list[tuple[int, int, int | None, int | None]]:
    """(start and end in seconds, milliwatt-hours taken, given)."""
    found = read_green_button(write_feed(path / "feed.xml", streams), meter)
    return [(one[0] // 10**6, one[1] // 10**6, one.import_milliwh, one.export_milliwh) for one in found]


@pytest.mark.parametrize("prefixed", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_both_directions_of_an_interval_are_one_row_whatever_prefixes_and_order(
    tmp_path: Path, *, prefixed: bool, turned: bool
) -> None:
    """1,500 and 250 Wh delivered, nothing and 800 received."""
    path = write_feed(tmp_path / "feed.xml", [DELIVERED, RECEIVED], prefixed=prefixed, turned=turned)
    first, second = read_green_button(path, "grid")
    assert (first.import_milliwh, first.export_milliwh) == (1_500_000, 0)
    assert (second.start_us, second.end_us) == ((JUNE_S + HOUR_S) * 10**6, (JUNE_S + 2 * HOUR_S) * 10**6)
    assert (second.import_milliwh, second.export_milliwh) == (250_000, 800_000)


@pytest.mark.parametrize(
    ("places", "value", "milliwh"), [(0, 1234, 1_234_000), (3, 2, 2_000_000), (-3, 1234, 1234), (-4, 12345, 1234)]
)
def test_a_value_is_scaled_by_its_reading_type(places: int, value: int, milliwh: int, tmp_path: Path) -> None:
    """In Wh, kWh, mWh; a tenth of a milliwatt-hour is floored, and one is in doubt for it."""
    path = write_feed(tmp_path / "feed.xml", [Made(1, [(JUNE_S, value)], places=places)])
    (row,) = read_green_button(path, "grid")
    assert (row.import_milliwh, row.import_uncertain_milliwh) == (milliwh, 1 if places == -4 else 0)


def test_what_was_received_may_be_written_below_zero(tmp_path: Path) -> None:
    given = Made(19, [(JUNE_S, -700), (JUNE_S + HOUR_S, 0)])
    assert [one[3] for one in rows_of(tmp_path, DELIVERED, given)] == [700_000, 0]


def test_a_direction_that_lacks_an_interval_leaves_it_unknown_and_one_that_is_not_there_is_none(tmp_path: Path) -> None:
    half = replace(RECEIVED, intervals=RECEIVED.intervals[1:])
    table = table_of("grid", "feed", read_green_button(write_feed(tmp_path / "a.xml", [DELIVERED, half]), "grid"))
    assert table.unknown == (Stretch(JUNE_S * 10**6, (JUNE_S + HOUR_S) * 10**6),)
    alone = table_of("grid", "feed", read_green_button(write_feed(tmp_path / "b.xml", [DELIVERED]), "grid"))
    assert (alone.unknown, alone.flow_export.milliwh.tolist()) == ((), [0, 0])


@pytest.mark.parametrize(("quality", "estimated"), [("17", False), ("", False), ("8", True), ("9", True)])
def test_what_the_utility_estimated_is_estimated(quality: str, tmp_path: Path, *, estimated: bool) -> None:
    path = write_feed(tmp_path / "feed.xml", [replace(DELIVERED, quality=quality)])
    table = table_of("grid", "feed", read_green_button(path, "grid"))
    assert table.estimated.tolist() == [estimated] * 2


def test_a_reader_is_told_how_much_the_utility_estimated(tmp_path: Path) -> None:
    """A month of 720 hours, of which two are of the quality 8."""
    early = Made(1, [(JUNE_S - 2 * HOUR_S, 1), (JUNE_S - HOUR_S, 1)], quality="8")
    for streams, part in ((month(), ""), ([*month(), early], "2 of its 722 intervals are estimated")):
        write_feed(tmp_path / "one.xml", streams)
        (note,) = energy_of([green("grid", "one.xml")], tmp_path, no_store).notes[:1]
        assert part in note
        assert ("estimated" in note) == bool(part)


def test_quarters_are_taken_where_hours_stand_beside_them(tmp_path: Path) -> None:
    quarters = Made(1, [(JUNE_S + 900 * one, 100) for one in range(4)], 900)
    found = rows_of(tmp_path, Made(1, [(JUNE_S, 400)]), quarters)
    assert [(one[0] - JUNE_S, one[1] - JUNE_S) for one in found] == [(0, 900), (900, 1800), (1800, 2700), (2700, 3600)]


def spans(rows: list[tuple[int, int, int | None, int | None]]) -> list[tuple[int, int, int | None]]:
    """From the first second on: (start, end, Wh taken)."""
    return [(one[0] - JUNE_S, one[1] - JUNE_S, None if one[2] is None else one[2] // 1000) for one in rows]


def test_hours_serve_where_quarters_are_missing(tmp_path: Path) -> None:
    """Quarters of the first hour, 4 x 100 Wh; hours of 400 and 500 Wh: 900 in all, none twice and none lost."""
    quarters = Made(1, [(JUNE_S + 900 * one, 100) for one in range(4)], 900)
    hours = Made(1, [(JUNE_S, 400), (JUNE_S + HOUR_S, 500)])
    firsts = [(900 * one, 900 * (one + 1), 100) for one in range(4)]
    assert spans(rows_of(tmp_path, quarters, hours)) == [*firsts, (3600, 7200, 500)]


def test_one_short_interval_does_not_push_hours_out(tmp_path: Path) -> None:
    """1,500 and 250 Wh by the hour, then a quarter of 5 Wh in another stream."""
    short = Made(1, [(JUNE_S + 2 * HOUR_S, 5)], 900)
    assert spans(rows_of(tmp_path, DELIVERED, short)) == [(0, 3600, 1500), (3600, 7200, 250), (7200, 8100, 5)]


def test_an_hour_that_quarters_tell_in_part_stays_out_and_a_day_serves_no_hole(tmp_path: Path) -> None:
    """One quarter of the hour, 100 Wh: the hour's 400 would bill it twice; the rest is a hole, which is told."""
    part, hour = Made(1, [(JUNE_S + 900, 100)], 900), Made(1, [(JUNE_S, 400)])
    assert spans(rows_of(tmp_path, part, hour)) == [(900, 1800, 100)]
    day = Made(1, [(JUNE_S + 24 * HOUR_S, 9000)], 24 * HOUR_S)
    assert spans(rows_of(tmp_path, hour, day)) == [(0, 3600, 400)]


def test_an_hour_of_one_direction_serves_no_hole_beside_the_others_quarters(tmp_path: Path) -> None:
    """The second hour was received by quarters; of what was delivered only its hour is there: unknown, not refused."""
    first = [(JUNE_S + 900 * one, 100) for one in range(4)]
    second = [(JUNE_S + HOUR_S + 900 * one, 7) for one in range(4)]
    taken = [Made(1, first, 900), Made(1, [(JUNE_S, 400), (JUNE_S + HOUR_S, 500)])]
    found = rows_of(tmp_path, *taken, Made(19, first + second, 900))
    assert [one[2] for one in found] == [100_000] * 4 + [None] * 4
    assert [one[3] for one in found] == [100_000] * 4 + [7000] * 4


@pytest.mark.parametrize(("own", "estimated"), [("", True), ("17", False)])
def test_the_readings_type_says_what_is_estimated_where_they_do_not(
    own: str, tmp_path: Path, *, estimated: bool
) -> None:
    """ESPI: defaultQuality is used where no ReadingQuality is provided."""
    path = write_feed(tmp_path / "feed.xml", [replace(DELIVERED, quality=own)])
    text = path.read_text(encoding="utf-8")
    typed = text.replace("</flowDirection>", "</flowDirection><defaultQuality>8</defaultQuality>")
    assert typed != text
    path.write_text(typed, encoding="utf-8")
    assert table_of("grid", "feed", read_green_button(path, "grid")).estimated.tolist() == [estimated] * 2


def green(name: str, file: str) -> AccountMeter:
    return AccountMeter(name=name, source=EnergyFrom.GREEN_BUTTON, file=file)


def test_one_usage_point_is_never_billed_for_two_meters(tmp_path: Path) -> None:
    """1,500 and 250 Wh of one house, whoever reads it first; a file of each one's own is two houses."""
    write_feed(tmp_path / "one.xml", [DELIVERED])
    write_feed(tmp_path / "other.xml", [DELIVERED])
    for file in ("one.xml", "./one.xml"):
        with pytest.raises(EnergyError, match=r"one.xml: has one usage point, meter 1, and another meter"):
            energy_of([green("a", "one.xml"), green("b", file)], tmp_path, lambda _: ("", ()))
    with pytest.raises(EnergyError, match="another meter is read"):
        energy_of([AccountMeter(name="a"), AccountMeter(name="b")], tmp_path, no_store, tmp_path / "one.xml")
    two = energy_of([green("a", "one.xml"), green("b", "other.xml")], tmp_path, no_store).table
    assert two.flow_import.milliwh.tolist() == [3_000_000, 500_000]


def test_a_file_for_the_grid_meter_tells_no_production(tmp_path: Path) -> None:
    """What the utility delivered is none of the plant's; the grid's meter itself has it."""
    file = write_feed(tmp_path / "one.xml", [DELIVERED])
    meters = [AccountMeter(name="grid"), AccountMeter(name="plant", role=Role.PRODUCTION)]
    assert energy_of(meters, tmp_path, no_store, file).table.flow_import.milliwh.tolist() == [1_500_000, 250_000]
    with pytest.raises(EnergyError, match="another meter is read"):
        production_of(meters, tmp_path, no_store, file)


def no_store(_: AccountMeter) -> tuple[str, tuple[()]]:
    raise AssertionError("no store is asked")


def test_other_units_and_a_gas_meters_point_are_left_alone(tmp_path: Path) -> None:
    """A stream in watts (38) beside the energy."""
    assert rows_of(tmp_path, DELIVERED, Made(1, [(JUNE_S, 99)], uom=38)) == rows_of(tmp_path, DELIVERED)
    path = write_feed(tmp_path / "gas.xml", [DELIVERED])
    path.write_text(path.read_text(encoding="utf-8").replace("<kind>0</kind>", "<kind>1</kind>"), encoding="utf-8")
    with pytest.raises(EnergyError, match="no stream of energy"):
        read_green_button(path, "grid")


def test_of_several_usage_points_the_meter_is_that_of_its_name(tmp_path: Path) -> None:
    other = Made(1, [(JUNE_S, 7)], point="2")
    assert rows_of(tmp_path, DELIVERED, other, meter="meter 2") == [(JUNE_S, JUNE_S + HOUR_S, 7000, None)]
    with pytest.raises(EnergyError, match="2 usage points, meter 1, meter 2"):
        rows_of(tmp_path, DELIVERED, other)


NETTED = Made(1, [(JUNE_S, 500), (JUNE_S + HOUR_S, -300)])
REFUSED = {
    "a net as flow 4": ([replace(DELIVERED, flow=4)], "nothing that the utility delivered"),
    "a net as flow 1": ([NETTED], "it is a net of both directions"),
    "a net as flow 19": ([DELIVERED, replace(NETTED, flow=19)], "it is a net of both directions"),
    "hours and quarters": (
        [DELIVERED, Made(19, [(JUNE_S + 900 * one, 1) for one in range(8)], 900)],
        "download both in the same intervals",
    ),
    "two values of one interval": (
        [DELIVERED, replace(DELIVERED, intervals=[(JUNE_S, 1501)])],
        "is there twice, and differs",
    ),
    "a multiplier that is not meant": ([Made(1, [(JUNE_S, 86400)], places=3)], "powerOfTenMultiplier right"),
    "a net that tells of what is not there": (
        [DELIVERED, Made(4, [(JUNE_S, -300)])],
        "what was received from you .19. is not in it",
    ),
    "milliseconds": ([Made(1, [(JUNE_S * 1000, 1)])], "outside the years 1970 to 2198"),
    "before all time": ([Made(1, [(-1, 1)])], "outside the years 1970 to 2198"),
    "an interval of ages": ([Made(1, [(JUNE_S, 1)], 10**17)], "outside the years 1970 to 2198"),
    "no length": ([Made(1, [(JUNE_S, 1)], 0)], "lasts 0 seconds"),
    "a value that is none": ([Made(1, [(JUNE_S, "1.5")])], 'value "1.5"'),  # type: ignore[list-item]
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_not_plain_is_refused_with_the_file_and_the_mend(case: str, tmp_path: Path) -> None:
    streams, message = REFUSED[case]
    with pytest.raises(EnergyError, match=message) as caught:
        rows_of(tmp_path, *streams)
    assert str(caught.value).startswith(str(tmp_path / "feed.xml"))


def test_the_same_interval_twice_is_once(tmp_path: Path) -> None:
    assert rows_of(tmp_path, DELIVERED, DELIVERED) == rows_of(tmp_path, DELIVERED)


BROKEN = {
    "cut off": (lambda text: text[: len(text) // 2], "is no XML"),
    "entities": (lambda text: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "a document type of its own"),
    "no type": (lambda text: text.replace('href="ReadingType/0"', 'href="elsewhere"', 1), "no ReadingType is there"),
    "no meter reading": (lambda text: text.replace("MeterReading/>", "Nothing/>"), "no MeterReading is there"),
    "no readings": (lambda text: text.replace("IntervalBlock>", "Block>"), "there is no interval in it"),
    "a table": (lambda _: "start,end\n1,2\n", "is no XML"),
    "no encoding": (lambda text: text.replace("UTF-8", "nonsense"), "cannot be read as text: unknown encoding"),
    "an encoding of several bytes": (lambda text: text.replace("UTF-8", "utf-7"), "cannot be read as text"),
    "an archive": (lambda _: "PK\x03\x04", "unpack it"),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_file_is_refused(case: str, tmp_path: Path) -> None:
    change, message = BROKEN[case]
    path = write_feed(tmp_path / "feed.xml", [DELIVERED])
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(EnergyError, match=message):
        read_green_button(path, "grid")


def test_a_long_file_tells_how_far_it_is_read(tmp_path: Path) -> None:
    """From its first byte to its last, never backwards, whatever its entries hold."""
    path = write_feed(tmp_path / "feed.xml", [Made(1, [(JUNE_S + HOUR_S * one, 1) for one in range(2000)])])
    told: list[tuple[str, int, int]] = []
    read_green_button(path, "grid", told=lambda *one: told.append(one))
    assert {(doing, total) for doing, _, total in told} == {("reading feed.xml", path.stat().st_size)}
    done = [one[1] for one in told]
    assert len(done) > 2
    assert (done[0], done[-1], done) == (0, path.stat().st_size, sorted(done))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnergyError, match="cannot be read: No such file"):
        read_green_button(tmp_path / "none.xml", "grid")


def month() -> list[Made]:
    """June in hours: each day 4 kWh are taken from 2 h on and 2 kWh given from 12 h on; 120 and 60 kWh."""
    hours = range(30 * 24)
    taken = [(JUNE_S + HOUR_S * one, 4000 if one % 24 == 2 else 0) for one in hours]
    given = [(JUNE_S + HOUR_S * one, 2000 if one % 24 == 12 else 0) for one in hours]
    return [Made(1, taken), Made(19, given)]


def test_a_bill_from_a_green_button_file(tmp_path: Path) -> None:
    """60 kWh net x 0.15 and the customer charge of 10.00; the file's largest interval is told, 4 kWh in an hour."""
    write_feed(tmp_path / "utility.xml", month())
    meter = '[[meter]]\nname = "grid"\nfrom = "green_button"\nfile = "utility.xml"'
    path = tmp_path / "home.toml"
    path.write_text(account_text(tmp_path, date(2024, 6, 1), meters=meter), encoding="utf-8")
    done = CliRunner().invoke(statement, ["--account", str(path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (bill,) = told["statements"]
    assert (bill["import_milliwh"], bill["export_milliwh"], bill["due_now"]) == (120_000_000, 60_000_000, "19.00")
    notes = " ".join(told["notes"])
    assert "at most 4.0 kW taken and 2.0 kW given on average in an interval" in notes
    assert "your own meter" not in notes


def test_the_months_before_the_gateway_come_from_a_green_button_file(tmp_path: Path) -> None:
    """Two hours of the utility's; the meter's own intervals begin with the second, and hold from there."""
    write_feed(tmp_path / "before.xml", [DELIVERED, RECEIVED])
    own = "start,end,import_milliwh,export_milliwh\n2024-06-01T08:00:00Z,2024-06-01T09:00:00Z,111,222\n"
    (tmp_path / "own.csv").write_text(own, encoding="utf-8")
    meter = AccountMeter(name="grid", source=EnergyFrom.CSV, file="own.csv", earlier="before.xml")
    table = energy_of([meter], tmp_path, lambda _: ("", ())).table
    assert table.flow_import.milliwh.tolist() == [1_500_000, 111]
    assert table.flow_export.milliwh.tolist() == [0, 222]


@pytest.mark.parametrize("file", ["", "utility.zip", "utility.csv"])
def test_a_green_button_meter_names_an_xml_file(file: str, tmp_path: Path) -> None:
    meter = f'[[meter]]\nname = "grid"\nfrom = "green_button"\nfile = "{file}"'
    with pytest.raises(AccountError, match=r"account.toml:\d+: .*a Green Button file is an .xml file"):
        account_file(tmp_path, account_text(tmp_path, date(2024, 6, 1), meters=meter))


def test_a_file_on_the_command_line_stands_for_all_sources(tmp_path: Path) -> None:
    """The same bill from `--energy`, whatever the account's meter says."""
    write_feed(tmp_path / "utility.XML", month())
    path = tmp_path / "home.toml"
    path.write_text(account_text(tmp_path, date(2024, 6, 1)), encoding="utf-8")
    done = CliRunner().invoke(statement, ["--account", str(path), "--energy", str(tmp_path / "utility.XML"), "--json"])
    assert done.exit_code == 0, done.output
    assert [one["due_now"] for one in json.loads(done.stdout)["statements"]] == ["19.00"]


@pytest.mark.parametrize(("accumulates", "is_told"), [("4", False), ("", True)])
def test_a_type_that_does_not_say_what_its_values_are_is_told(
    tmp_path: Path, accumulates: str, *, is_told: bool
) -> None:
    day = [(JUNE_S + hour * HOUR_S, hour) for hour in range(24)]
    write_feed(tmp_path / "one.xml", [Made(1, day, accumulates=accumulates)])
    made = energy_of([green("grid", "one.xml")], tmp_path, no_store)
    assert int(made.table.flow_import.milliwh.sum()) == 276_000_000 // 1000  # 0 + 1 + ... + 23 Wh
    assert any("does not say what its values are" in one for one in made.notes) is is_told


def test_values_of_such_a_type_that_never_fall_are_a_registers(tmp_path: Path) -> None:
    """A small meter's register in Wh would pass as up to 2 MW in a quarter of an hour."""
    quarters = [(JUNE_S + n * 900, 500_000 + 100 * n) for n in range(97)]
    with pytest.raises(EnergyError, match=r"never fall in 97 intervals .* so they are a register's"):
        rows_of(tmp_path, Made(1, quarters, duration_s=900, accumulates=""))
    # The controls: one that falls once, one that stands, one that says what it is, and too few to know.
    falls = [*quarters[:50], (quarters[50][0], 0), *quarters[51:]]
    stands = [(at, 0) for at, _ in quarters]
    for values in (falls, stands, quarters[:96]):
        assert len(rows_of(tmp_path, Made(1, values, duration_s=900, accumulates=""))) == len(values)
    assert len(rows_of(tmp_path, Made(1, quarters, duration_s=900))) == 97
