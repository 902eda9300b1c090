"""Energy of single operations, as named tables.

memory access of a memory of S bytes at 45 nm:  10 pJ to 8 KiB, 20 at 32 KiB, 100 from 1 MiB on,
                                                linear between
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saccade.errors import ConfigError, did_you_mean

__all__ = ["COST_TABLES", "CostTable", "cost_table"]

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """Picojoules per operation on one kind of hardware.

    Args:
        name: What it is called.
        source: Where the figures are from.
        add: Adding.
        mul: Multiplying.
        mac: Multiplying and adding.
        ac: Adding a weight because a spike came.
        register: Reading or writing a register.
        memory: (bytes, pJ) corners of the cost of one access by size of the memory.
        bytes_per_value: Of weights, membranes and activations.
        is_measured: False where figures were read from a plot.

    Raises:
        ConfigError: A cost is negative, or the corners do not rise.
    """

    name: str
    source: str
    add: float
    mul: float
    mac: float
    ac: float
    register: float
    memory: tuple[tuple[float, float], ...]
    bytes_per_value: int = 4
    is_measured: bool = True

    def __post_init__(self) -> None:
        sizes = [size for size, _ in self.memory]
        costs = (self.add, self.mul, self.mac, self.ac, self.register, *(c for _, c in self.memory))
        if min(costs, default=0.0) < 0:
            raise ConfigError(f"Cost table {self.name} has a negative cost.")
        if not sizes or sizes != sorted(set(sizes)):
            raise ConfigError(
                f"Cost table {self.name}: memory sizes {sizes}.",
                "Expected rising numbers of bytes.",
            )

    def access(self, size_bytes: float) -> float:
        """Return the pJ of one access to a memory of a size; constant beyond the corners.

        Examples:
            >>> cost_table("45nm").access(8192), cost_table("45nm").access(20 * 1024)
            (10.0, 15.0)
        """
        sizes, costs = zip(*self.memory, strict=True)
        return float(np.interp(size_bytes, sizes, costs))


COST_TABLES: dict[str, CostTable] = {
    "45nm": CostTable(
        name="45nm",
        source="Horowitz, ISSCC 2014, 32-bit integers at 45 nm, as SpikeVPR uses it",
        add=0.1,
        mul=3.1,
        mac=3.2,
        ac=0.1,
        register=3.2,
        memory=((8 * KIB, 10.0), (32 * KIB, 20.0), (KIB * KIB, 100.0)),
    ),
}
"""Name -> table. Others are given by the user."""


def cost_table(name: str) -> CostTable:
    """Return a table by its name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in COST_TABLES:
        raise ConfigError(
            f"There is no cost table {name!r}.",
            f"Expected one of {', '.join(COST_TABLES)}, or a YAML file.",
            did_you_mean(name, COST_TABLES),
        )
    return COST_TABLES[name]
