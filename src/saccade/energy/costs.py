"""Energy of single operations, as named tables.

memory access of a memory of S bytes at 45 nm:  10 pJ to 8 KiB, 20 at 32 KiB, 100 from 1 MiB on,
                                                linear between
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saccade.engine.config_io import load_config
from saccade.errors import ConfigError, MissingFileError, did_you_mean

__all__ = ["COST_TABLES", "CostTable", "cost_table", "load_costs"]

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """Picojoules per operation on one kind of hardware.

    Args:
        name: What it is called.
        source: Where the figures are from; a table without a source is refused.
        is_measured: False where figures were read from a plot, scaled or guessed.
        add: Adding.
        mul: Multiplying.
        mac: Multiplying and adding.
        ac: Adding a weight because a spike came.
        register: Reading or writing a register.
        memory: (bytes, pJ) corners of the cost of one access by size of the memory.
        bytes_per_value: Of weights, membranes and activations.

    Raises:
        ConfigError: No source is given, a cost is negative or infinite, or the corners do not rise.

    Examples:
        >>> COST_TABLES["45nm"].mac / COST_TABLES["45nm"].ac
        32.0
    """

    name: str
    source: str
    is_measured: bool
    add: float
    mul: float
    mac: float
    ac: float
    register: float
    memory: tuple[tuple[float, float], ...]
    bytes_per_value: int = 4

    def __post_init__(self) -> None:
        sizes = [size for size, _ in self.memory]
        costs = (self.add, self.mul, self.mac, self.ac, self.register, *(c for _, c in self.memory))
        if not self.source.strip():
            raise ConfigError(f"Cost table {self.name} names no source.", "Say whose figures.")
        if not all(math.isfinite(cost) and cost >= 0 for cost in costs):
            raise ConfigError(f"Cost table {self.name}: {costs}.", "Expected pJ of 0 or more.")
        if self.bytes_per_value < 1:
            raise ConfigError(f"Cost table {self.name}: {self.bytes_per_value} bytes per value.")
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
        is_measured=True,
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


def load_costs(name_or_path: str | Path) -> CostTable:
    """Return a table of `COST_TABLES`, or read one from a YAML file with the fields of `CostTable`.

    Args:
        name_or_path: ``"45nm"``, or a file that ends in .yaml or .yml.

    Raises:
        ConfigError: The name is unknown, or a field is missing, unknown or wrong.
        MissingFileError: There is no such file.

    Examples:
        >>> load_costs("45nm").mac
        3.2
    """
    path = Path(name_or_path)
    if path.suffix.lower() not in (".yaml", ".yml"):
        return cost_table(str(name_or_path))
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected a YAML file of costs.")
    return load_config(CostTable, path)
