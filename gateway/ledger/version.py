"""The schema version that this program reads and writes: SQLite's user_version. Light to import."""

SCHEMA_VERSION = 6
