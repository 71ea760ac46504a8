"""How far each line, bank and sum of a statement may be off, its energy being uncertain: a twin of each programme.

What a programme reckons with figures its twin reckons with ranges (`ranges`): what came in, what a bank pays, what is
left. `spell` walks the bills. Nothing here changes an amount. (docs/account.md, "Uncertain")
"""
