"""The terminal of the simulated laptop: a shell, its jobs and its other programs."""
