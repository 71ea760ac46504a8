"""The same map read by pysunspec2 and by us, over real sockets: both must find the same models and values."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import EnergyRegister, RegisterSnapshot, SystemTicker, load_profile
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.sunspec import SunSpecMeter
from drivers.transport.tcp import TcpTransport
from tests.protocol.modbus_bytes import tcp_answer
from tests.protocol.sunspec_maps import (
    common,
    inverter_103,
    inverter_113,
    meter_203,
    meter_213,
    model_701,
    sunspec_table,
)
from tests.wire.slaves import TcpSlave

sunspec_client = pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed")

OFTEN = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SUNSPEC = load_profile("sunspec")


@contextmanager
def both_of(table: dict[int, int]) -> Iterator[tuple[Any, ModbusLink]]:
    """pysunspec2's device, scanned and then let go, and our link to the same slave."""
    with TcpSlave(lambda request: [(0, tcp_answer(request, table))]) as slave:
        device = sunspec_client.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=slave.host, ipport=slave.port)
        device.scan()
        device.close()
        ticker = SystemTicker()
        link = ModbusLink(TcpTransport(slave.host, slave.port, ticker), Framing.TCP, ticker, timeout_us=5_000_000)
        yield device, link
        link.close()


def read(link: ModbusLink, model: int, *, produces: bool = False) -> RegisterSnapshot:
    return SunSpecMeter(SUNSPEC, link, 1, model=model, produces=produces).read().snapshot


def milliwh(register: EnergyRegister | None) -> int | None:
    return None if register is None or register.unproven else register.milliwh


@OFTEN
@given(
    imported=st.integers(1, 2**32 - 2),
    exported=st.integers(1, 2**32 - 2),
    injected=st.integers(0, 10**9),
    base=st.sampled_from([40000, 50000, 0]),
    length=st.sampled_from([65, 66]),
    model=st.sampled_from([201, 202, 203, 204]),
)
def test_both_read_the_same(imported: int, exported: int, injected: int, base: int, length: int, model: int) -> None:
    models = [common(length), meter_203(imported, exported, model=model), model_701(injected, 0)]
    with both_of(sunspec_table(*models, base=base)) as (device, link):
        meter = SunSpecMeter(SUNSPEC, link, 1, model=model)
        ours, ours_701 = meter.read().snapshot, read(link, 701)
        chain = [place.model for place in meter.models]
    theirs, theirs_701 = device.models[model][0], device.models[701][0]
    assert chain == [number for number in device.models if isinstance(number, int)]
    assert milliwh(ours.energy_import) == round(theirs.TotWhImp.cvalue) * 1000
    assert milliwh(ours.energy_export) == round(theirs.TotWhExp.cvalue) * 1000
    assert ours.power_milliw == round(theirs.W.cvalue * 1000)
    assert ours_701.energy_export is not None
    assert ours_701.energy_export.milliwh == theirs_701.TotWhInj.cvalue * 1000


@OFTEN
@given(
    imported=st.floats(0, 1e9, width=32),
    exported=st.floats(0, 1e9, width=32),
    produced=st.floats(0, 1e9, width=32),
    meter=st.sampled_from([211, 212, 213, 214]),
    inverter=st.sampled_from([111, 112, 113]),
)
def test_both_read_the_same_floats(
    imported: float, exported: float, produced: float, meter: int, inverter: int
) -> None:
    """A float32's value is exact in a double, and a thousand of it nearly so: floored, it may differ by one."""
    models = [common(), inverter_113(produced, inverter), meter_213(imported, exported, meter)]
    with both_of(sunspec_table(*models)) as (device, link):
        ours, produces = read(link, meter), read(link, inverter, produces=True)
    theirs, other = device.models[meter][0], device.models[inverter][0]
    pairs = [
        (ours.energy_import, theirs.TotWhImp.cvalue),
        (ours.energy_export, theirs.TotWhExp.cvalue),
        (produces.energy_export, other.WH.cvalue),
    ]
    for register, value in pairs:
        assert register is not None
        assert abs(register.milliwh - value * 1000) <= 1
    assert ours.power_milliw == round(theirs.W.cvalue * 1000)
    assert produces.power_milliw == -round(other.W.cvalue * 1000)
    assert ours.others["voltage_l1"] == theirs.PhVphA.cvalue
    assert "voltage_l2" not in ours.others
    assert theirs.PhVphB.cvalue is None


@OFTEN
@given(
    produced=st.integers(0, 2**32 - 1),
    factor=st.integers(-4, 2),
    model=st.sampled_from([101, 102, 103]),
)
def test_both_read_the_same_of_an_inverter(produced: int, factor: int, model: int) -> None:
    """They differ in one number: all ones in an accumulator, which we take for "not implemented" too (vendors fill
    whole blocks so), and pysunspec2 for a count."""
    with both_of(sunspec_table(common(), inverter_103(produced, factor, model))) as (device, link):
        ours = read(link, model, produces=True)
    theirs = device.models[model][0]
    assert ours.energy_import is None
    if produced == 2**32 - 1:
        assert theirs.WH.value == produced
        assert ours.energy_export is None
    elif produced == 0:
        assert theirs.WH.value is None
        assert ours.energy_export is not None
        assert ours.energy_export.unproven
    else:
        assert theirs.WH.value == produced
        assert milliwh(ours.energy_export) == (produced * 1000 * 10 ** (factor + 4)) // 10**4
    assert ours.power_milliw == -round(theirs.W.cvalue * 1000)
    assert str(ours.others["current"]) == "12.4"
