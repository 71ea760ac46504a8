"""The reference consumer: every record of one or many gateways exactly once, in a database of its own."""
