"""From what a network did to what it would cost: activity, cost tables, published proxies.

with measure(model) as record:              hooks count the actual input of every layer
    model(frames)
estimate(record, "snn_lemaire", "45nm")     pJ per inference, layer by layer, with what is missing
"""

from saccade.energy.costs import COST_TABLES, CostTable, cost_table, load_costs
from saccade.energy.estimates import ESTIMATES, EnergyEstimate, LayerEnergy, dense_energy, estimate
from saccade.energy.hooks import measure
from saccade.energy.layer import Activity, LayerShape
from saccade.energy.proxies import PROXIES
from saccade.energy.record import ActivityRecord, LayerActivity

__all__ = [
    "COST_TABLES",
    "ESTIMATES",
    "PROXIES",
    "Activity",
    "ActivityRecord",
    "CostTable",
    "EnergyEstimate",
    "LayerActivity",
    "LayerEnergy",
    "LayerShape",
    "cost_table",
    "dense_energy",
    "estimate",
    "load_costs",
    "measure",
]
