"""`netmeter meter replace` while the gateway runs: asked over its socket, booked by the daemon, told on the broker.

The simulated meter goes on counting, so it stands for a new one that begins with the register the old one ended with.
"""

import json

import pytest

from hil.house import House

from .rig import Reader, assert_law, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole


def wh(milliwh: int) -> str:
    return f"{milliwh // 1000}.{milliwh % 1000:03d}"


def replace(house: House, *arguments: str) -> tuple[int, dict[str, object]]:
    done = netmeter(house, "meter", "replace", "grid", *arguments, "--json", "--config", str(house.config))
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def registers(house: House) -> dict[str, int]:
    done = netmeter(house, "read", "grid", "--json", "--config", str(house.config))
    (view,) = json.loads(done.stdout)
    return {direction: view[f"{direction}_milliwh"] for direction in ("import", "export")}


def stated(closing: dict[str, int], opening: dict[str, int]) -> list[str]:
    arguments = []
    for name, both in (("closing", closing), ("opening", opening)):
        for direction, milliwh in both.items():
            arguments += [f"--{name}-{direction}-wh", wh(milliwh)]
    return arguments


def test_exchange_is_booked_by_the_daemon_once_and_the_law_holds(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda got: bool(got.of("state", "grid")), "the first state")
    code, answer = replace(house, *stated({"import": 1, "export": 1}, {"import": 0, "export": 0}))
    assert code == 1
    assert "less than was read already" in str(answer["error"])
    for _ in range(20):  # the house runs fast: what was read a moment ago may be less than what was read since
        end = {direction: milliwh + 500_000 for direction, milliwh in registers(house).items()}
        arguments = stated(end, registers(house))
        code, answer = replace(house, *arguments)
        if code == 0:
            break
    assert answer["through"] == "the running gateway"
    assert (answer["outcome"], answer["register_epoch"]) == ("exchanged", 2), answer
    code, again = replace(house, *arguments)
    assert (code, again["outcome"]) == (0, "known")
    reader.until(lambda got: got.of("state", "grid")[-1].content["register_epoch"] == 2, "the state of the new epoch")
    house.stop_child("gateway")
    reader.rest()
    events = [record.content for record in reader.of("event", "grid")]
    (epoch,) = [event for event in events if event["event"] == "epoch" and event["reason"] == "stated"]
    assert epoch["previous_import_milliwh"] == end["import"]
    assert sum(assert_law(record.content) for record in reader.of("state", "grid")) > 0
