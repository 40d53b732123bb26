"""Event files, read back by the real TensorBoard."""

import numpy as np
import pytest

from fer_core.runs.store import COLUMNS


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: [(event.step, float(np.frombuffer(event.tensor_proto.tensor_content, np.float32)[0] if event.tensor_proto.tensor_content
                                 else event.tensor_proto.float_val[0])) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_tensorboard_reads_each_epoch_once(tmp_path):
    from fer_core.training.tensorboard import Events

    history = {name: np.array([0.5, 0.25]) for name in COLUMNS} | {"epoch": np.array([1.0, 2.0])}
    Events(tmp_path / "tb", {name: values[:1] for name, values in history.items()})
    events = Events(tmp_path / "tb", history)  # the run is resumed after two epochs
    events.add({**dict.fromkeys(COLUMNS, 0.125), "epoch": 3, "loss": 0.75})
    training, validation = read(tmp_path / "tb" / "training"), read(tmp_path / "tb" / "validation")
    assert training["loss"] == [(1, 0.5), (2, 0.25), (3, 0.75)]
    assert validation["loss"] == [(1, 0.5), (2, 0.25), (3, 0.125)]
    assert validation["recall_disgust"][-1] == (3, pytest.approx(0.125))
    assert set(training) == {"loss", "accuracy", "learning_rate", "images_per_second"}
