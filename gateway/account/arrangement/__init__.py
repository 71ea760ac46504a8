"""Arrangements: one plant's energy shared among several accounts, each then reckoned by its own programme.

`terms`, `arrangement_file` (what a person writes), `shares` (integers alone), `fixed_shares`, `cumulative` and
`host_first` (who gets what of each stored interval), `arrange` (statements of all). No money and no prices here.
"""
