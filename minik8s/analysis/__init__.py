"""Questions about a snapshot: why, what if, all pairs; pure functions over documents."""
