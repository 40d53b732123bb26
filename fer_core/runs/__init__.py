"""Runs: the folder on disk that training and pages share, what is started on it, and what it predicted."""

from fer_core.runs.store import Run, RunStore

__all__ = ["Run", "RunStore"]
