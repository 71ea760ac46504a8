"""A child process with a log file: started, waited for, ended by its pid.

Output goes to the log file, which the caller names to the user when something is wrong. Never ends a process that it
did not start.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_S = 5.0
_ROOT = Path(__file__).resolve().parent.parent


class ChildError(Exception):
    """A child did not start, or ended on its own. The message names its log file."""


class Child:
    """One running child process."""

    def __init__(self, name: str, command: list[str], log: Path, extra_env: Mapping[str, str] | None = None) -> None:
        """Start `command`, both outputs appended to `log`; `extra_env` is added to our own environment."""
        self.name = name
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **(extra_env or {})},
                # Ctrl-C on the terminal is for the parent, which ends its children in their order.
                start_new_session=True,
            )

    @classmethod
    def python(
        cls,
        name: str,
        module: str,
        options: list[str],
        log: Path,
        extra_env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> "Child":
        """Start `python -m module options` with this interpreter and the packages beside this file.

        `prefix` is a command that is handed this command line and becomes it (same pid).
        """
        search = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        command = [*prefix, sys.executable, "-P", "-u", "-m", module, *options]
        return cls(name, command, log, {"PYTHONPATH": search, **(extra_env or {})})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise ChildError if it has ended."""
        if self.exit_code is not None:
            raise ChildError(f"{self.name} ended with code {self.exit_code}; its log: {self.log}\n{self.tail()}")

    def wait_ready(self, timeout_s: float = 30.0) -> str:
        """Wait for the line `ready ADDRESS` and return the address. Raises ChildError."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            for line in self._output().splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return line.removeprefix("ready ").strip()
            self.check()
            time.sleep(0.02)
        raise ChildError(f"{self.name} was not ready within {timeout_s:g} s; its log: {self.log}\n{self.tail()}")

    def stop(self) -> int:
        """End it (SIGTERM, then SIGKILL after some seconds); its exit code. Harmless when it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                return self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def tail(self, lines: int = 8) -> str:
        """The last lines of its output."""
        return "\n".join(self._output().splitlines()[-lines:])

    def _output(self) -> str:
        with self.log.open("rb") as source:
            source.seek(self._log_start)
            return source.read().decode(errors="replace")
