"""Faults on an optical head, in virtual time and on real ptys; and who judges what a reader believed."""
