"""Simulated meters: each a process of its own, with its vendor's digits, update lag and turn-around time.

They know no tariff, and encode with `struct` from the vendor's own register map. Must never import `drivers` or
`gateway`: a mistake there must not find its mirror image here.
"""
