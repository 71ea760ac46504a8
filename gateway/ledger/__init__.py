"""The store: one SQLite file, one connection, one thread. The only room with SQL in it."""
