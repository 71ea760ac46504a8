"""The command `netmeter`. Each verb is loaded when it is called, so that `netmeter run` imports only what it needs.

This file knows the verbs' names and where they are, nothing else.
"""

import importlib

import click

from .. import __version__
from .output import OutputGroup

COMMANDS = {
    # verb: (module:command, what it does in one line)
    "account": ("gateway.cli.account:account", "Tell what the running bill has come to, and what its year will."),
    "arrangement": ("gateway.cli.arrangement:arrangement", "Reckon the bills of all accounts that share one plant."),
    "backup": ("gateway.cli.backup:backup", "Copy the store into one file, while the gateway runs or not."),
    "check": ("gateway.cli.check:check", "Tell every mistake in a config, and what it costs on wire and disk."),
    "collect": ("gateway.cli.collect:collect", "Collect the records of gateways, each exactly once."),
    "decode": ("gateway.cli.decode:decode", "Tell what a recording of a meter's line says, telegram by telegram."),
    "kernel": ("gateway.cli.kernel:kernel", "Make the compiled kernel, or tell which build would run."),
    "meter": ("gateway.cli.meter:meter", "State the registers of an exchange of meters."),
    "migrate": ("gateway.cli.migrate:migrate", "Bring the store to this version's schema."),
    "profile": ("gateway.cli.profile:profile", "List the meter profiles; check one of your own."),
    "read": ("gateway.cli.read:read", "Read a meter once and print what it holds."),
    "recompute": ("gateway.cli.recompute:recompute", "Book the stored readings again: is the ledger right?"),
    "replay": ("gateway.cli.replay:replay", "Book a table of recorded registers, years in one command."),
    "restore": ("gateway.cli.restore:restore", "Put a copy in the store's place, under a new store epoch."),
    "run": ("gateway.cli.run:run", "Read the meters, book the energy, deliver it."),
    "statement": ("gateway.cli.statement:statement", "Reckon an account's bills and true-ups from its intervals."),
    "salvage": ("gateway.cli.salvage:salvage", "Read what can be read of a damaged store."),
    "scan": ("gateway.cli.scan:scan", "Find meters, and write the config that reads them."),
    "status": ("gateway.cli.status:status", "Ask the running daemon how it is."),
    "tariff": ("gateway.cli.tariff:tariff", "Show which price bucket holds when, and why; check a tariff file."),
}


class LazyGroup(OutputGroup):
    """A group that imports a command only when it is called or helped with."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command. Whatever is a person's to mend ends it with a message and exit code 1."""
        from .errors import MISTAKES, Failure, told

        try:
            return super().invoke(ctx)
        except MISTAKES as error:
            raise Failure(told(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table above: no verb is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from ..config.hints import did_you_mean

            ctx.fail(f'there is no command "{args[0]}": {did_you_mean(args[0], sorted(COMMANDS))}')
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="netmeter-gateway")
def main() -> None:
    """Read bidirectional electricity meters, book every watt-hour into its time-of-use bucket, deliver it over MQTT.

    \b
    Example:
      netmeter check --config gateway.toml
      netmeter run --config gateway.toml

    Every command has --help with an example and its exit codes.
    """
