"""Slips that a new user makes: each is told with its line and the mend that a person would give. Written by hand."""

import re
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError, read_account
from gateway.config.load import examine
from gateway.config.slips import USUAL, decimal_mend, number_mend, syntax_mend

from .test_config_load import GOOD, write

CONFIG = Path(__file__).parents[2] / "config"

SLIPS = [
    # what stands there, what was typed, the line, the end of what is told
    ('id = "home"', 'id = "home', 2, ': a closing " is missing'),
    ('id = "home"', "id = home", 2, ': text stands in quotes: id = "home"'),
    ('id = "home"', 'id: "home"', 2, ": an equals sign, no colon: id = ..."),
    ('id = "home"', "id = “home”", 2, ': straight quotes, as in id = "home"'),
    ('id = "home"', "id =", 2, ": a value is missing, or put # before id"),
    ('id = "home"', 'id = "home" my house', 2, ": one value alone on a line; a note behind it begins with #"),
    ('id = "home"', 'id = "home"\nid = "cabin"', 3, ": id stands in this table already: keep one of the two lines"),
    ('clock = "ntp"', 'clock = "ntp"\ntimezone = "America/Los_Angelos"', 4, ": leave it out: the tariff says its zone"),
    ('clock = "ntp"', 'clock = "manual"', 3, ': did you mean "operator"?'),
    ("[accounting]", "[mqtt]", 8, ": [mqtt] stands in this file already: put these lines there"),
    ("[mqtt]\nhost", "[mqtt] host", 5, ": the brackets and the name stand alone on their line: [mqtt]"),
    ("[[meter]]", "[[meter]", 11, ": the brackets and the name stand alone on their line: [[meter]]"),
    (
        "[[meter]]",
        '[meter]\nname = "a"\n[[meter]]',
        13,
        ": double brackets at each of them, also at the first: [[meter]]",
    ),
    (
        "[[meter]]",
        '[meter]\nname = "a"\n[meter]',
        13,
        ": double brackets at each of them, also at the first: [[meter]]",
    ),
    ('role = "grid"', 'role = "solar"', 14, ': did you mean "production"?'),
    ('profile = "sunspec"', 'profile = "SDM630"', 13, ": did you mean `eastron-sdm630`?"),
    ("service_amps = 100", 'service_amps = "100 A"', 16, ": the number alone, in amperes: service_amps = 100"),
    ("service_amps = 100", "service_amps = 100 A", 16, ": the number alone, in amperes: service_amps = 100"),
    ("service_amps = 100", 'service_amps = "24 kW"', 16, ": the number alone, in amperes"),
    ("service_amps = 100", "service_amps = 62.5", 16, ": without a fraction: service_amps = 62 or service_amps = 63"),
    ("service_volts = 240", "service_volts = 240V", 17, ": the number alone, in volts: service_volts = 240"),
    ("service_volts = 240", "service_volts = 240,0", 17, ": a decimal point, no comma"),
    ('host = "127.0.0.1"', 'host = "192.168.1.400"', 18, "numbers from 0 to 255, such as 192.168.1.40"),
    ('host = "127.0.0.1"', 'host = "192.168.1"', 18, "numbers from 0 to 255, such as 192.168.1.40"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\npoll_s = "5 s"', 19, ": the number alone, in seconds: poll_s = 5"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nswap_direction = True', 19, "without quotes: swap_direction = true"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nswap_direction = no', 19, "without quotes: swap_direction = false"),
    ('host = "127.0.0.1"', 'port = "/dev/null"\nparity = "even"', 19, ': did you mean "E"?'),
    ('host = "127.0.0.1"', 'port = "/dev/null"\nparity = "8N1"', 19, ': did you mean "N"?'),
    ('host = "127.0.0.1"', r'port = "\dev\ttyUSB0"', 18, ": single quotes, in which a backslash is only itself"),
    ('host = "127.0.0.1"', "port = /dev/ttyUSB0", 18, ': text stands in quotes: port = "/dev/ttyUSB0"'),
]


@pytest.mark.parametrize(("stood", "typed", "line", "mend"), SLIPS, ids=[slip[1] for slip in SLIPS])
def test_a_slip_is_told_with_its_line_and_its_own_mend(tmp_path, stood, typed, line, mend):
    path = write(tmp_path, GOOD.replace(stood, typed, 1))
    told = [str(problem) for problem in examine(path, ports=False).problems]
    assert any(one.startswith(f"{path}:{line}:") and one.endswith(mend) for one in told), told


def test_what_the_slips_stand_in_has_no_mistake(tmp_path):
    path = write(tmp_path, GOOD)
    assert not examine(path, ports=False).problems


@pytest.mark.parametrize(
    ("key", "text", "mend"),
    [
        ("energy_charges", "$182.40", 'the number alone: energy_charges = "182.40"'),
        ("energy_charges", "-$1,182.40", 'the number alone: energy_charges = "-1182.40"'),
        ("size_kw", "9 kW", 'the number alone: size_kw = "9"'),
        ("size_kw", "9000 W", "the number alone, in kilowatts"),
        ("percent", "7.5%", 'the number alone: percent = "7.5"'),
        ("grid", "0,208", ""),  # a decimal comma in half of the world: no thousand is made of it
        ("grid", "1,234", ""),
        ("grid", "1234567890.5", ""),  # a number, but too long: that is told elsewhere
        ("grid", "ten cents", ""),
    ],
)
def test_the_mend_of_a_number_in_quotes_never_changes_the_number(key, text, mend):
    assert decimal_mend(key, text) == mend


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, None, True, "", "12 dozen eggs"])
def test_no_whole_number_is_made_of_what_is_none(value):
    assert number_mend("poll_s", value) == ""


@pytest.mark.parametrize("row", ["", "=", "= 1", "[", "]]", "<xml/>", '"""', "\\", "\t", "a" * 10_000])
def test_any_line_has_a_mend(row):
    """Also the parser's one word for what it does not know; nothing raises."""
    assert re.match(r"\S", syntax_mend("Invalid statement", row))
    assert syntax_mend("Invalid statement", "<xml/>") == USUAL


@pytest.mark.parametrize(
    ("file", "kind", "command"),
    [
        ("account.toml", "an account", "netmeter statement --account"),
        ("arrangement.toml", "an arrangement", "netmeter arrangement"),
        ("tariffs/pge-e-1.toml", "a tariff", "netmeter tariff check"),
    ],
)
def test_a_file_of_another_kind_is_told_first_with_who_reads_it(file, kind, command):
    path = CONFIG / file
    first = examine(path, ports=False).problems[0]
    assert str(first) == f"{path}:1: is {kind}, and another kind of file is wanted: {command} {path}"


def test_an_account_wants_no_gateways_config():
    path = CONFIG / "gateway.toml"
    with pytest.raises(AccountError, match="is a gateway's config, and another kind of file is wanted: netmeter check"):
        read_account(path)
