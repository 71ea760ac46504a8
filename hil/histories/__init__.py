"""Histories of a meter, a clock and a tariff, played through a meter's books in virtual time and judged by an oracle.

`truth`, `tariff`, `plan` and `oracle` know nothing of the gateway (a test says so); `play` alone drives it.
"""
