"""Surrogate gradients at work: a layer of LIF neurons learns to fire at a wanted rate.

Run: python examples/train_a_neuron.py
"""

import torch

from saccade.neurons import LIF, Atan


def main() -> None:
    """Fit one weight per neuron so that 64 neurons reach 64 different firing rates."""
    generator = torch.Generator().manual_seed(0)
    steps, neurons = 100, 64
    current = torch.rand(steps, 1, neurons, generator=generator)
    wanted = torch.linspace(0.02, 0.5, neurons)
    weight = torch.ones(neurons, requires_grad=True)
    layer = LIF(decay=0.9, input_gain=1.0, surrogate=Atan(alpha=2.0))
    optimizer = torch.optim.Adam([weight], lr=0.05)
    for step in range(201):
        rate = layer(current * weight).mean(0).squeeze(0)  # spikes [T, B, N] -> rate [N]
        loss = ((rate - wanted) ** 2).mean()
        if step % 50 == 0:
            print(f"step {step:3d}  mean error {(rate - wanted).abs().mean().item():.3f}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (rate - wanted).abs().mean().item() < 0.05


if __name__ == "__main__":
    main()
