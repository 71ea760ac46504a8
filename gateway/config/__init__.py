"""gateway.toml and the folders the program lives in."""
