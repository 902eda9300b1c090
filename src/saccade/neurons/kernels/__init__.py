"""One leaky spiking sequence, three faces: torch reference, compiled CPU loops, Triton for GPUs."""
