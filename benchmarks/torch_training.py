"""PyTorch's training step on the report's CNN, as a process of its own that `benchmarks.training` asks for measurements.

    python -m benchmarks.torch_training FOLDER --steps 12 --threads 2 --precision bfloat16

TensorFlow and PyTorch bring a pool of threads each, which take the cores from one another within a process. So PyTorch lives in this
one, which sleeps until a line arrives at its standard input, takes `steps` steps and answers with its images per second. FOLDER holds
`batch.npz` (`images` uint8 (b, 48, 48), `labels` int64 (b,)) and `config.json`, the settings of the run.

The network has the same layers, with the same dropout, batch norm, loss and optimiser, in channels-last; in bfloat16 by `autocast`,
which keeps weights and batch-norm statistics in float32, as ours does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fer_core.config import RunConfig

EPSILON = 1e-3
"""What Keras' batch norm adds to the variance."""
MOVED = 0.05
"""Share by which a step moves the batch-norm statistics; Keras tells its complement."""
WARM_UP = 3
"""Steps before the first measurement: memory is taken and kernels are prepared."""


def convolution(config: RunConfig, number: int, channels: tuple[int, int], size: int) -> list[nn.Module]:
    """Return a block: convolution, LeakyReLU, batch norm, pooling by 2 (averages in the fourth), dropout."""
    pool = nn.AvgPool2d if number == 3 else nn.MaxPool2d
    return [
        nn.Conv2d(*channels, size, padding="same"),
        nn.LeakyReLU(config.leaky_slope),
        nn.BatchNorm2d(channels[1], eps=EPSILON, momentum=MOVED),
        pool(2),
        nn.Dropout(config.dropout_conv[number]),
    ]


def dense(config: RunConfig, inputs: int, units: int) -> list[nn.Module]:
    """Return a block: dense layer, ReLU, batch norm, dropout."""
    return [
        nn.Linear(inputs, units),
        nn.ReLU(),
        nn.BatchNorm1d(units, eps=EPSILON, momentum=MOVED),
        nn.Dropout(config.dropout_dense),
    ]


def network(config: RunConfig) -> nn.Module:
    """Return the report's CNN: images (b, 1, 48, 48) in, logits (b, 7) out; 8,014,471 trainable parameters."""
    layers: list[nn.Module] = []
    inputs = 1
    for number, (filters, size) in enumerate(((64, 5), (128, 3), (512, 3), (512, 3))):
        layers += convolution(config, number, (inputs, filters), size)
        inputs = filters
    layers.append(nn.Flatten())
    inputs *= 3 * 3
    for units in (1024, 256):
        layers += dense(config, inputs, units)
        inputs = units
    layers.append(nn.Linear(inputs, 7))
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def optimizer(model: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    """Return SGD with Nesterov momentum; the weight decay is for kernels only."""
    kernels = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [{"params": kernels, "weight_decay": config.weight_decay}, {"params": others}]
    return torch.optim.SGD(groups, lr=0.01, momentum=config.momentum, nesterov=True)


def training_step(config: RunConfig, images: np.ndarray, labels: np.ndarray, precision: str) -> Callable[[], float]:
    """Return a function that takes a step on uint8 (b, 48, 48) and int64 (b,), and gives its loss in nats."""
    model = network(config)
    update = optimizer(model, config)
    loss_of = nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
    pixels, classes = torch.from_numpy(images[:, None]), torch.from_numpy(labels)

    def arithmetic() -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()

    def step() -> float:
        update.zero_grad(set_to_none=True)
        scaled = pixels.float() / 64 - 2
        with arithmetic():
            logits: Tensor = model(scaled.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), classes)
        loss.backward()
        update.step()
        return float(loss.detach())

    return step


def main() -> None:
    """Answer each line of the standard input with a measurement, until it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), required=True)
    told = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(told.threads)
    config = RunConfig.model_validate_json((told.folder / "config.json").read_text(encoding="utf8"))
    with np.load(told.folder / "batch.npz") as batch:
        step = training_step(config, batch["images"], batch["labels"], told.precision)
        count = told.steps * len(batch["labels"])
    for _ in range(WARM_UP):
        step()
    for _ in sys.stdin:
        began = time.perf_counter()
        for _ in range(told.steps):
            step()
        print(count / (time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
