"""`netmeter-hil bench`: the verbs. Loads nothing heavy before a command needs it."""

import click

from .accumulator import accumulator


@click.group()
def bench() -> None:
    """Measure this program beside others, in the same run.

    \b
    Example:
      netmeter-hil bench accumulator
    """


bench.add_command(accumulator)
