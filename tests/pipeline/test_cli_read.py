"""`netmeter read` of a meter that options name: a port behind the host is told apart, before anything is asked."""

import pytest
from click.testing import CliRunner

from gateway.cli import main


@pytest.mark.parametrize("host", ["192.168.1.40:1502", "meter.lan:502"])
def test_a_port_behind_the_host_stands_apart(host: str) -> None:
    name, _, port = host.partition(":")
    done = CliRunner().invoke(main, ["read", "--profile", "sunspec", "--host", host])
    assert done.exit_code == 2
    assert f"--host {host}: the port stands apart: --host {name} --tcp-port {port}" in done.output
