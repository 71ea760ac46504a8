"""A meter's books: every step done to its account, written in its journal; and all of it done again from the store."""
