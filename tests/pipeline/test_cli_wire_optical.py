"""What `read --raw` shows of an optical port: a conversation written by hand, parity bits and all."""

import click
from click.testing import CliRunner, Result

from drivers.recording import HEARD, SENT, Event, Recording, Tape
from gateway.cli.wire import print_wire, wire_view
from tests.protocol.iec_telegrams import NAME, framed

DATA = framed(b"1.8.0(001234.567*kWh)\r\n1.6.0(10.1*kW)(2104070015)\r\n!\r\n")
REQUEST = bytes((0xAF, 0x3F, 0x21, 0x8D, 0x0A))  # "/?!" CR LF with even parity, as annex E writes its bytes
RECORDING = Recording(
    {"framing": "iec62056", "profile": "optical-c", "meter": "grid"},
    (Event(0, SENT, REQUEST), Event(250_000, HEARD, NAME[:4]), Event(260_000, HEARD, NAME[4:] + DATA)),
)


def test_turns_and_telegrams_are_told() -> None:
    view = wire_view(RECORDING, [])
    assert [(one["offset_us"], one["direction"]) for one in view["turns"]] == [(0, SENT), (250_000, HEARD)]
    assert view["turns"][0]["text"] == "/?!<0D><0A>"
    assert view["turns"][0]["bytes"] == "AF 3F 21 8D 0A"
    (telegram,) = view["telegrams"]
    assert (telegram["valid"], telegram["check"], telegram["import_milliwh"]) == (True, "bcc", 1_234_567_000)


def test_people_see_the_same() -> None:
    shown = _printed(RECORDING)
    assert "> /?!<0D><0A>" in shown.output
    assert "valid, check bcc" in shown.output
    assert "1.6.0              (10.1*kW)(2104070015)" in shown.output


def test_what_a_meter_sends_unasked_is_recorded() -> None:
    asked, unasked = Tape(), Tape(is_unasked=True)
    for tape in (asked, unasked):
        tape.note(1_000, HEARD, b"/XYZ")
        tape.note(3_500, HEARD, b"5model")
    assert asked.events == []  # it answers nobody
    assert [one.offset_us for one in unasked.events] == [0, 2_500]


def _printed(recording: Recording) -> Result:
    @click.command()
    def show() -> None:
        print_wire(wire_view(recording, []))

    return CliRunner().invoke(show, catch_exceptions=False)
