"""The network as a row of blocks, read from the head of its weights file: shapes, parameters, views. Needs no framework."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from fer_core.models.weights_header import FILE, Block, arranged, shapes
from fer_core.runs.store import Run
from ui.services import cache
from ui.text import formatting


def blocks(run: Run) -> list[Block]:
    """List the blocks of a run's network from the face to the classes. Raises `ModelError` where there are no weights, or damaged ones."""
    return list(_blocks(str(run.path / FILE), cache.stamp(run.path / FILE)))




@st.cache_data(max_entries=32, show_spinner=False)
def _blocks(path: str, mark: cache.Stamp) -> list[Block]:
    return arranged(shapes(Path(path)))








def kernels(run: Run, name: str) -> np.ndarray:
    """Read the kernel of a layer, float32 (rows, columns, inputs, units) or (inputs, units)."""
    return _kernels(str(run.path / FILE), cache.stamp(run.path / FILE), name)


@st.cache_data(max_entries=2, show_spinner=False)
def _kernels(path: str, mark: cache.Stamp, name: str) -> np.ndarray:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return np.asarray(file.get_tensor(f"{name}/kernel"), np.float32)


def norms(run: Run, name: str) -> np.ndarray:
    """Give the length of every unit's own weights, float32 (units,)."""
    return _norms(str(run.path / FILE), cache.stamp(run.path / FILE), name)


@st.cache_data(max_entries=64, show_spinner=False)
def _norms(path: str, mark: cache.Stamp, name: str) -> np.ndarray:
    kernel = _kernels(path, mark, name)
    return np.asarray(np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0))


def said(found: list[Block]) -> str:
    """Say the network in one line."""
    total = sum(block.parameters + block.norm for block in found)
    return f"{formatting.listed([block.name for block in found])}: {total:,} parameters"
