"""The daemon's threads but those that read and publish: ledger, accounts, watch, and who answers the commands."""
