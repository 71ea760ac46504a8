"""Benchmarks: this program beside others in the same run, on wires that take their time. Nothing here asserts."""
