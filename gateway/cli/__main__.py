"""`python -m gateway.cli`: the same as `netmeter`."""

from . import main

if __name__ == "__main__":
    main()
