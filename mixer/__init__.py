"""How much of what, and in which order: targets, tokens, schedules, packed shards, lineage."""
