"""A digest of a database's own schema: damage to it is found although no record is touched."""

import hashlib
import sqlite3


def schema_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 over every table and index as it is written down. Raises sqlite3.Error, UnicodeDecodeError."""
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
    return hashlib.sha256("\x00".join("\x01".join(row) for row in rows).encode()).hexdigest()


def schema_fault(connection: sqlite3.Connection) -> str:
    """Why the schema is not the one that was made; empty where it is. Raises sqlite3.Error, UnicodeDecodeError."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_digest'").fetchone()
    return "" if row is None or row[0] == schema_digest(connection) else "the schema was altered"
