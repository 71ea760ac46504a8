"""`netmeter account` as a process of its own, for the daemon: its answer, or why there is none.

Reckoning brings numpy and takes seconds on a small computer; neither may come into the process that reads meters. The
child asks the daemon for the intervals as any command does, a page at a time. One at a time, and not for ever.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..config.types import AccountSection
from ..tariff.walltime import iso_utc

PATIENCE_S = 900.0
"""Years of intervals on a slow computer."""
WHY_MOST = 500
RECKONED = (0, 3)


class AccountProcess:
    """Runs one child at a time, in the caller's thread; `stop` may come from another."""

    def __init__(self, config_path: Path) -> None:
        self._config_path = config_path
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._stopping = False

    def reckon(self, section: AccountSection, until_us: int | None) -> dict[str, Any]:
        """What `netmeter account --json` prints; only `why_not` where it could not. Waits for it."""
        command = [sys.executable, "-m", "gateway.cli", "account", "--json", "--gently"]
        command += ["--account", section.file, "--config", str(self._config_path), "--project", section.project.value]
        command += ["--profile", section.profile] if section.profile else []
        command += [] if until_us is None else ["--at", iso_utc(until_us)]
        with self._lock:
            if self._stopping:
                return {"why_not": "the gateway ends"}
            try:
                child = self._child = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            except OSError as error:  # no memory or no process left: that passes
                return {"why_not": f"no process can be started: {error}"}
        try:
            printed, complaint = child.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return {"why_not": f"no answer within {PATIENCE_S:g} s: netmeter account --account {section.file}"}
        return _answer(printed, complaint, child.returncode)

    def stop(self) -> None:
        """End the child, where there is one, and start none any more."""
        with self._lock:
            self._stopping = True
            if self._child is not None:
                self._child.terminate()


def _answer(printed: str, complaint: str, code: int) -> dict[str, Any]:
    if code not in RECKONED:
        return {"why_not": _reason(complaint, code)}
    try:
        answer = json.loads(printed)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"why_not": "an answer that cannot be read"}


def _reason(complaint: str, code: int) -> str:
    """What a person should read of standard error: all of a message of ours, the last line of anything else."""
    text = complaint.strip()
    if "Traceback" in text:
        text = text.splitlines()[-1]
    text = text.removeprefix("Error: ")[:WHY_MOST]
    return text or f"netmeter account ended with code {code}"
