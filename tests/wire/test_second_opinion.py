"""The same map read by pysunspec2 and by us, over real sockets: both must find the same models and values."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import SystemTicker, load_profile
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.sunspec import SunSpecMeter
from drivers.transport.tcp import TcpTransport
from tests.protocol.modbus_bytes import tcp_answer
from tests.protocol.sunspec_maps import common, meter_203, model_701, sunspec_table
from tests.wire.slaves import TcpSlave

sunspec_client = pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    imported=st.integers(1, 2**32 - 2),
    exported=st.integers(1, 2**32 - 2),
    injected=st.integers(0, 10**9),
    base=st.sampled_from([40000, 50000, 0]),
    length=st.sampled_from([65, 66]),
)
def test_both_read_the_same(imported: int, exported: int, injected: int, base: int, length: int) -> None:
    table = sunspec_table(common(length), meter_203(imported, exported), model_701(injected, 0), base=base)
    with TcpSlave(lambda request: [(0, tcp_answer(request, table))]) as slave:
        device = sunspec_client.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=slave.host, ipport=slave.port)
        device.scan()
        theirs = device.models[203][0]
        theirs.read()
        theirs_701 = device.models[701][0]
        theirs_701.read()
        chain = [number for number in device.models if isinstance(number, int)]
        device.close()
        ticker = SystemTicker()
        link = ModbusLink(TcpTransport(slave.host, slave.port, ticker), Framing.TCP, ticker, timeout_us=5_000_000)
        meter = SunSpecMeter(load_profile("sunspec"), link, 1, model=203)
        ours = meter.read().snapshot
        ours_701 = SunSpecMeter(load_profile("sunspec"), link, 1, model=701).read().snapshot
        meter_chain = [place.model for place in meter.models]
        meter.close()
    assert meter_chain == chain
    assert ours.energy_import is not None
    assert ours.energy_export is not None
    assert ours.energy_import.milliwh == round(theirs.TotWhImp.cvalue) * 1000
    assert ours.energy_export.milliwh == round(theirs.TotWhExp.cvalue) * 1000
    assert ours.power_milliw == round(theirs.W.cvalue * 1000)
    assert ours_701.energy_export is not None
    assert ours_701.energy_export.milliwh == theirs_701.TotWhInj.cvalue * 1000
