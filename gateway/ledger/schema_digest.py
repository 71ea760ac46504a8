"""A digest of a database's own schema: damage to it is found although no record is touched."""

import hashlib
import sqlite3


def schema_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 over every table and index as it is written down, and every migration that was made.

    Not SQLite's own statistics: whoever runs ANALYZE or PRAGMA optimize in a shell has altered nothing.

    Raises sqlite3.Error, UnicodeDecodeError.
    """
    rows = connection.execute(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"
        " WHERE name NOT GLOB 'sqlite_stat[0-9]' ORDER BY type, name"
    ).fetchall()
    done = connection.execute("SELECT * FROM _sqlite_migrations ORDER BY rowid").fetchall()
    rows += [tuple(map(str, row)) for row in done]
    return hashlib.sha256("\x00".join("\x01".join(row) for row in rows).encode()).hexdigest()


def seal(connection: sqlite3.Connection) -> None:
    """Note the schema as it is now, within the caller's transaction. Raises sqlite3.Error."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('schema_digest', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (schema_digest(connection),),
    )


def seal_where_missing(connection: sqlite3.Connection) -> None:
    """After a migration that was killed between its last step and its last word. Raises sqlite3.Error."""
    if connection.execute("SELECT 1 FROM meta WHERE key = 'schema_digest'").fetchone() is None:
        seal(connection)


def schema_fault(connection: sqlite3.Connection) -> str:
    """Why the schema is not the one that was made; empty where it is. Raises sqlite3.Error, UnicodeDecodeError."""
    if connection.execute("PRAGMA auto_vacuum").fetchone() != (0,):
        # No store of ours: SQLite would write its pointer maps over pages that are in use.
        return "the header was altered (auto_vacuum)"
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_digest'").fetchone()
    return "" if row is None or row[0] == schema_digest(connection) else "the schema was altered"
