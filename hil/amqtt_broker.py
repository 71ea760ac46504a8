"""The broker of last resort: amqtt from PyPI as a process of its own, where no mosquitto can be had.

MQTT 3.1.1 only, nothing kept on disk. `python -m hil.amqtt_broker --port N` serves loopback until SIGTERM.
"""

import argparse
import asyncio
import logging
import signal

from .lifetime import die_with_parent


async def _serve(port: int) -> None:
    from amqtt.broker import Broker

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"ready 127.0.0.1:{port}", flush=True)
    await stop.wait()
    await broker.shutdown()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="amqtt_broker", description="An embedded MQTT 3.1.1 broker on loopback.")
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    options = parser.parse_args()
    die_with_parent()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(options.port))


if __name__ == "__main__":
    main()
