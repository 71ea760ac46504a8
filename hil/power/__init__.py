"""Power cuts for the store: recordings of the real daemon, disks rebuilt from them, and their judge."""
