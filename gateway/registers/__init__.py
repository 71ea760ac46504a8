"""What a reading says of the registers: counting on, jumped, held, exchanged, frozen. Pure; books nothing."""
