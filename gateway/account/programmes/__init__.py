"""Programmes: each a small strategy over the period ledger (`account.period`). Numbers are in config/programmes."""
