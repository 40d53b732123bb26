"""Event files of a run for TensorBoard; TensorFlow writes them, TensorBoard itself is not needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

PAIRS = {"loss": ("loss", "val_loss"), "accuracy": ("accuracy", "val_accuracy")}
"""Charts in which training and validation lie over each other, and their columns of the history."""


class Events:
    """Writers of the scalars of training and validation, a step per epoch."""

    def __init__(self, folder: Path, history: dict[str, np.ndarray]) -> None:
        """Begin anew with the epochs in `history`, so that a resumed run shows each epoch once."""
        shutil.rmtree(folder, ignore_errors=True)
        self._writers = {name: tf.summary.create_file_writer(str(folder / name)) for name in ("training", "validation")}
        for i in range(len(history["epoch"])):
            self.add({name: float(values[i]) for name, values in history.items()})

    def add(self, row: dict[str, float]) -> None:
        """Add an epoch, given as a row of the history."""
        speeds = {name: row[name] for name in ("learning_rate", "images_per_second")}
        training = {chart: row[pair[0]] for chart, pair in PAIRS.items()} | speeds
        rest = {name: value for name, value in row.items() if name.startswith("recall_")}
        validation = {chart: row[pair[1]] for chart, pair in PAIRS.items()} | rest
        for name, scalars in (("training", training), ("validation", validation)):
            with self._writers[name].as_default():
                for tag, value in scalars.items():
                    metadata = tf.compat.v1.SummaryMetadata()
                    metadata.plugin_data.plugin_name = "scalars"
                    tf.summary.write(tag, tf.constant(value, tf.float32), int(row["epoch"]), metadata=metadata)
                self._writers[name].flush()
