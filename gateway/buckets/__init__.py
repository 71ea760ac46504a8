"""Where a register's growth goes: bucket energy and closed intervals in integers, and how uncertain each is. Pure."""
