"""Modbus devices that misbehave on purpose, the lines that they hang on, and the trials that a link has to stand.

`frames`, `faults`, `inject`, `judge`, `slave` and `wrong_words` share no code with the driver; the others drive it.
"""
