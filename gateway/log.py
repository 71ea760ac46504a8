"""One line an event, with keys: `event=broker_away host=localhost why="connection refused"`. No sinks are set here."""

import logging

logger = logging.getLogger("netmeter")


def event_line(event: str, **keys: object) -> str:
    """A log line: `event=... key=value`, values with blanks quoted."""
    parts = [f"event={event}"]
    for key, value in keys.items():
        text = "-" if value is None else str(value)
        if not text or any(character.isspace() or character in '="' for character in text):
            text = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        parts.append(f"{key}={text}")
    return " ".join(parts)
