"""What holds for the whole process: where the project lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Folder that holds `fer_core`, `app.py` and `checkpoints`."""
