"""What a hostile world sends: bounded, seeded, offline."""
