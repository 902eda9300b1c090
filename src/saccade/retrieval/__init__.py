"""From descriptors to ranks: scores in blocks, top N, recall against typed truth, bank health.

`saccade.retrieval.evaluation` puts all measures of one method on one pair together.
"""

from saccade.retrieval.cross import cross_recall, cross_table
from saccade.retrieval.ensemble import ensemble_scores, read_member
from saccade.retrieval.evaluation import Banks, Evaluation, compare, evaluate
from saccade.retrieval.geodesic import haversine_distance_m, wgs84_distance_m
from saccade.retrieval.health import BankHealth, bank_health
from saccade.retrieval.precision import (
    PrecisionRecall,
    best_match_precision_recall,
    pooled_precision_recall,
    precision_recall,
)
from saccade.retrieval.rank import Ranking, best_median_worst, rank, top_n
from saccade.retrieval.recall import Recall, chance_recall, recall_at
from saccade.retrieval.scores import (
    METRICS,
    ScoreBlock,
    degenerate_rows,
    score_blocks,
    score_matrix,
    standardised,
)
from saccade.retrieval.sequence import diagonal, plain_sequence_scores, sequence_scores
from saccade.retrieval.truth import (
    Geodesic,
    IndexTolerance,
    Planar,
    TimeTolerance,
    Truth,
    TruthMatrix,
)

__all__ = [
    "METRICS",
    "BankHealth",
    "Banks",
    "Evaluation",
    "Geodesic",
    "IndexTolerance",
    "Planar",
    "PrecisionRecall",
    "Ranking",
    "Recall",
    "ScoreBlock",
    "TimeTolerance",
    "Truth",
    "TruthMatrix",
    "bank_health",
    "best_match_precision_recall",
    "best_median_worst",
    "chance_recall",
    "compare",
    "degenerate_rows",
    "evaluate",
    "haversine_distance_m",
    "precision_recall",
    "rank",
    "recall_at",
    "score_blocks",
    "score_matrix",
    "standardised",
    "cross_recall",
    "cross_table",
    "diagonal",
    "ensemble_scores",
    "plain_sequence_scores",
    "pooled_precision_recall",
    "read_member",
    "sequence_scores",
    "top_n",
    "wgs84_distance_m",
]
