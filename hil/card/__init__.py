"""A card destroyed in mid-year: a year of two meters, told by a ledger, a collector and the meters' own truth."""
