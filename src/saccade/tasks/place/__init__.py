"""Deep place recognition from events (SpikeVPR); the paper in ten lines is in README.md here."""
