"""Spiking neurons: surrogates, steps, sequences, modules; floor 2, knows no events.

Examples:
    >>> import torch
    >>> from saccade.neurons import LIF, Atan
    >>> layer = LIF(decay=0.9, input_gain=0.1, surrogate=Atan(alpha=2.0))
    >>> layer(torch.randn(16, 4, 8)).shape
    torch.Size([16, 4, 8])
"""

from saccade.neurons.adaptive import ALIF as ALIF
from saccade.neurons.adaptive import XLIF as XLIF
from saccade.neurons.adaptive import PreLIF as PreLIF
from saccade.neurons.integrate_fire import IF as IF
from saccade.neurons.leaky import LeakyNeuron as LeakyNeuron
from saccade.neurons.lif import LIF as LIF
from saccade.neurons.membrane import CubaLIF as CubaLIF
from saccade.neurons.membrane import CubaState as CubaState
from saccade.neurons.membrane import Integrator as Integrator
from saccade.neurons.module import Neuron as Neuron
from saccade.neurons.plif import PLIF as PLIF
from saccade.neurons.recurrent import Recurrent as Recurrent
from saccade.neurons.rule import Rule as Rule
from saccade.neurons.state import ALIFState as ALIFState
from saccade.neurons.state import LIFState as LIFState
from saccade.neurons.state import PotentialState as PotentialState
from saccade.neurons.state import XLIFState as XLIFState
from saccade.neurons.surrogate import Atan as Atan
from saccade.neurons.surrogate import MultiGaussian as MultiGaussian
from saccade.neurons.surrogate import PiecewiseLinear as PiecewiseLinear
from saccade.neurons.surrogate import Sigmoid as Sigmoid
from saccade.neurons.surrogate import SuperSpike as SuperSpike
from saccade.neurons.surrogate import Surrogate as Surrogate
from saccade.neurons.surrogate import Triangle as Triangle
from saccade.neurons.surrogate import WidthArctan as WidthArctan
from saccade.neurons.surrogate import heaviside as heaviside
