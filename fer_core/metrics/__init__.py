"""Metrics: scores with their intervals, tests between runs, calibration, the quality of labels, neighbours."""

from fer_core.metrics.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
