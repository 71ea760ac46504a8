"""The listener of `bench drain`, a process of its own: notes what the broker hands out, and when.

Usage: drain_ear PORT FILE KIND... Times are of the monotonic clock that all processes share. Prints `ready` once it is
subscribed; ends with SIGTERM.
"""

import json
import signal
import sys
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Note one line a message: microseconds, kind, meter, seq, the message's own time."""
    port, path, kinds = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    with path.open("w", encoding="ascii", buffering=1) as out:

        def hear(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
            at_us = time.monotonic_ns() // 1000
            parts = message.topic.split("/")
            content = json.loads(message.payload)
            its_us = content.get("time_utc_us", content.get("end_utc_us"))
            out.write(f"{at_us} {parts[4]} {parts[3]} {content.get('seq', 0)} {its_us}\n")

        topics = [(f"bench/bench/meter/+/{kind}", 1) for kind in kinds]
        client.on_connect = lambda one, *_: one.subscribe(topics)
        client.on_subscribe = lambda *_: print("ready 1", flush=True)
        client.on_message = hear
        client.connect("127.0.0.1", port)
        client.loop_start()
        signal.sigwait({signal.SIGTERM})
        client.disconnect()
        client.loop_stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
