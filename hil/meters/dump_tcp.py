"""Serve a recorded register dump over Modbus TCP: what some real meter held, word by word.

A dump is text: `[address]: 0xHHHH`, several a line if need be, `#` begins a comment. Addresses that the file does not
name answer exception 2. Nothing is interpreted and nothing is filled in.
"""

import argparse
import re
from pathlib import Path

from ..lifetime import die_with_parent
from .tcp_server import serve, unchanged

_ENTRY = re.compile(r"\[(\d+)\]:\s*0[xX]([0-9A-Fa-f]{1,4})(?![0-9A-Fa-f])")


class DumpError(ValueError):
    """The file is no register dump; says the line, what was expected and what came."""


def parse_dump(text: str) -> dict[int, int]:
    """Address -> word. Raises DumpError."""
    words: dict[int, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0]
        if _ENTRY.sub("", content).strip(" \t,;\ufeff"):
            raise DumpError(f"line {number}: expected `[address]: 0xHHHH`, got {content.strip()!r}")
        for address_text, word_text in _ENTRY.findall(content):
            address, word = int(address_text), int(word_text, 16)
            if address > 0xFFFF:
                raise DumpError(f"line {number}: address {address} is beyond 65535")
            if words.get(address, word) != word:
                raise DumpError(f"line {number}: address {address} came before with 0x{words[address]:04X}")
            words[address] = word
    if not words:
        raise DumpError("no line `[address]: 0xHHHH` in it")
    return words


def blocks_of(words: dict[int, int]) -> dict[int, list[int]]:
    """Runs of addresses without a hole: first address -> words."""
    blocks: dict[int, list[int]] = {}
    first = -1
    for address in sorted(words):
        if first < 0 or address != first + len(blocks[first]):
            first = address
            blocks[first] = []
        blocks[first].append(words[address])
    return blocks


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM. `arguments` as on the command line (`python -m hil.meters.dump_tcp --help`)."""
    parser = argparse.ArgumentParser(prog="dump_tcp", description="A recorded register dump on Modbus TCP.")
    parser.add_argument("--dump", type=Path, required=True, help="file of `[address]: 0xHHHH` lines")
    parser.add_argument("--tcp-port", type=int, default=0, help="port on loopback; 0 = any free one")
    options = parser.parse_args(arguments)
    die_with_parent()
    words = parse_dump(options.dump.read_text(encoding="utf-8"))
    serve(blocks_of(words), options.tcp_port, unchanged, lambda: None)


if __name__ == "__main__":
    main()
