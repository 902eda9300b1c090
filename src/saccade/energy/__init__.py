"""From what a network did to what it would cost: activity, cost tables, published proxies."""

from saccade.energy.costs import COST_TABLES, CostTable, cost_table
from saccade.energy.layer import Activity, LayerShape
from saccade.energy.proxies import PROXIES

__all__ = ["COST_TABLES", "PROXIES", "Activity", "CostTable", "LayerShape", "cost_table"]
