"""From committed rows and live totals to MQTT: the public contract, and the pipe that carries it."""
