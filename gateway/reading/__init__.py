"""From the config's meters to readings: lines, turns, polls, and what a meter's own clock and load profile say."""
