"""`netmeter-hil bench`: the verbs. Loads nothing heavy before a command needs it."""

import click

from .accumulator import accumulator
from .drain import drain
from .iec62056 import iec62056
from .ledger import ledger
from .modbus_cli import line, modbus
from .projection import projection
from .statement import statement


@click.group()
def bench() -> None:
    """Measure this program beside others, in the same run.

    \b
    Example:
      netmeter-hil bench accumulator
      netmeter-hil bench drain --days 30
      netmeter-hil bench iec62056
      netmeter-hil bench ledger --days 30 --poll 5
      netmeter-hil bench statement
      netmeter-hil bench projection --houses 5
      netmeter-hil bench modbus
      netmeter-hil bench modbus --meters 200 --seconds 30 --json
    """


bench.add_command(accumulator)
bench.add_command(drain)
bench.add_command(iec62056)
bench.add_command(ledger)
bench.add_command(line)
bench.add_command(modbus)
bench.add_command(projection)
bench.add_command(statement)
