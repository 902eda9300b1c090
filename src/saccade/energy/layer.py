"""The size of a layer and what went through it: all that an energy proxy asks for."""

from __future__ import annotations

from dataclasses import dataclass

from saccade.errors import ConfigError

__all__ = ["Activity", "LayerShape"]


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """A convolution or a linear layer.

        weights    w = C_out (C_in / g) k_h k_w
        neurons    n = C_out H_out W_out
        synapses   w H_out W_out;  transposed: w H_in W_in

    Args:
        is_conv: False for a linear layer, which has one position and a kernel of 1 x 1.
        channels_in: C_in, or the inputs of a linear layer.
        channels_out: C_out, or its outputs.
        size_in: (H_in, W_in).
        size_out: (H_out, W_out).
        kernel: (k_h, k_w).
        stride: (s_h, s_w).
        groups: g.
        has_bias: Whether a bias is added.
        is_transposed: Each input, not each output, sees the whole kernel.

    Raises:
        ConfigError: A size is below 1, or the groups do not divide the channels.

    Examples:
        >>> shape = LayerShape.linear(99, 99)
        >>> shape.weights, shape.neurons, shape.synapses
        (9801, 99, 9801)
    """

    is_conv: bool
    channels_in: int
    channels_out: int
    size_in: tuple[int, int] = (1, 1)
    size_out: tuple[int, int] = (1, 1)
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    groups: int = 1
    has_bias: bool = False
    is_transposed: bool = False

    def __post_init__(self) -> None:
        sizes = (
            self.channels_in, self.channels_out, *self.size_in, *self.size_out, *self.kernel,
            *self.stride, self.groups,
        )  # fmt: skip
        if min(sizes) < 1:
            raise ConfigError(f"A layer of {self}.", "Expected sizes of 1 or more.")
        if self.channels_in % self.groups or self.channels_out % self.groups:
            raise ConfigError(
                f"{self.groups} groups of {self.channels_in} to {self.channels_out} channels.",
                "Expected groups that divide both.",
            )

    @classmethod
    def linear(
        cls, inputs: int, outputs: int, *, positions: int = 1, has_bias: bool = False
    ) -> LayerShape:
        """Return the shape of a linear layer; applied at many positions it is a 1x1 convolution.

        Examples:
            >>> LayerShape.linear(99, 8, positions=512).synapses
            405504
        """
        row = (1, positions)
        return cls(
            is_conv=positions > 1, channels_in=inputs, channels_out=outputs, size_in=row,
            size_out=row, has_bias=has_bias,
        )  # fmt: skip

    @property
    def weights(self) -> int:
        """Parameters, without bias."""
        return self.channels_out * (self.channels_in // self.groups) * self.kernel_area

    @property
    def kernel_area(self) -> int:
        """Taps of the kernel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def fan_in(self) -> float:
        """Synapses of one neuron; the mean over neurons where transposed."""
        return self.synapses / self.neurons

    @property
    def positions(self) -> int:
        """Places at which the kernel is applied."""
        rows, columns = self.size_in if self.is_transposed else self.size_out
        return rows * columns

    @property
    def neurons(self) -> int:
        """Outputs of one evaluation."""
        return self.channels_out * self.size_out[0] * self.size_out[1]

    @property
    def inputs(self) -> int:
        """Values that go into one evaluation."""
        return self.channels_in * self.size_in[0] * self.size_in[1]

    @property
    def synapses(self) -> int:
        """Multiply-accumulates of a dense evaluation, those with the padding among them."""
        return self.weights * self.positions

    @property
    def is_depthwise(self) -> bool:
        """One group per input channel."""
        return self.is_conv and self.groups > 1 and self.groups == self.channels_in

    @property
    def targets(self) -> int:
        """Channels that an input spike reaches, 1 in a depthwise layer, as published."""
        return 1 if self.is_depthwise else self.channels_out // self.groups

    @property
    def fan_out(self) -> int:
        """Neurons that an input spike reaches, away from the border, as published."""
        if self.is_transposed:
            return self.kernel_area * self.targets
        rows, columns = (-(-k // s) for k, s in zip(self.kernel, self.stride, strict=True))
        return rows * columns * self.targets


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What went through a layer.

    Args:
        spikes_in: Non-zero inputs (their sum where inputs count spikes).
        spikes_out: Spikes of the neurons behind the layer.
        zero_share: Share of inputs that are 0, for proxies of conventional networks.
        is_real: Inputs are real numbers: an input costs a multiplication at each synapse.
    """

    spikes_in: float = 0.0
    spikes_out: float = 0.0
    zero_share: float = 0.0
    is_real: bool = False
