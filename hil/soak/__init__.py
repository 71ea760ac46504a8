"""Soaks: faults put into a running daemon for minutes or days, felt from outside, judged by truth files and a reader.

Nothing in this package imports `gateway` or `drivers`: the judge shares no code with the judged.
"""
