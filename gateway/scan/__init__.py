"""`netmeter scan`: which meters are there, and the config that reads them. Asks only; never writes to a device."""
