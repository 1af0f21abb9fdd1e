"""Twenty steps of each optimizer, each loss and each moving average by PyTorch (LAMB, binary cross-entropy and one of the averages: timm), in double and in float, from gradients and logits that a rule gives.

    python test/goldens/pytorch_steps.py > test/goldens/pytorch-steps.json

Needs torch and timm. The rule is in `drawn`; test/goldens/pytorch_steps.test.ts has the same one, so only results are stored.
"""

import json
import sys

import timm
import torch
from timm.loss import BinaryCrossEntropy
from timm.optim import Lamb
from timm.utils import ModelEmaV3
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 20
SHAPES = [("conv", [4, 3, 3, 3]), ("fc", [5, 7]), ("bias", [5])]
COMMON = {"learningRate": 0.01}
OPTIMIZERS = [
    ("sgd", {"momentum": 0.9, "weightDecay": 1e-4}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weightDecay": 1e-2}),
    ("sgd", {"momentum": 0, "weightDecay": 0, "clipNorm": 2}),
    ("adamW", {"weightDecay": 0.01}),
    ("adamW", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weightDecay": 0.2, "clipNorm": 2}),
    ("lamb", {"weightDecay": 0.02, "clipNorm": 1}),
    ("lamb", {"beta1": 0.95, "beta2": 0.9, "weightDecay": 0.1, "clipNorm": 0, "excludeBias": True}),
]
LOSSES = [
    ("crossEntropy", {"smoothing": 0}),
    ("crossEntropy", {"smoothing": 0.1}),
    ("crossEntropy", {"smoothing": 0, "soft": True}),
    ("binaryCrossEntropy", {"smoothing": 0.1}),
    ("binaryCrossEntropy", {"smoothing": 0.1, "threshold": 0.2}),
    ("binaryCrossEntropy", {"smoothing": 0, "soft": True}),
]
AVERAGES = [
    ("timm", {"decay": 0.9, "after": 3}),
    ("torch", {"decay": 0.75, "every": 4}),
]
IMAGES, CLASSES = 4, 7


def drawn(count, stream):
    """Numbers from -1 to below 1 that double and float hold exactly."""
    return [((i * 7919 + stream * 104729 + 12345) * 48271 % 65537 // 2) / 16384 - 1 for i in range(count)]


def tensor(shape, stream, dtype, scale=1.0):
    count = 1
    for size in shape:
        count *= size
    return torch.tensor(drawn(count, stream), dtype=dtype).reshape(shape) * scale


def optimizer(kind, o, parameters):
    decay = o["weightDecay"]
    groups = [{"params": [p], "weight_decay": 0.0 if o.get("excludeBias") and p.dim() == 1 else decay} for p in parameters]
    rate = COMMON["learningRate"]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=o["momentum"], nesterov=o.get("nesterov", False))
    betas = (o.get("beta1", 0.9), o.get("beta2", 0.999))
    if kind == "adamW":
        return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=o.get("epsilon", 1e-8))
    return Lamb(groups, lr=rate, betas=betas, eps=o.get("epsilon", 1e-6), max_grad_norm=o["clipNorm"] or None)


def clip(parameters, most):
    """As torch.nn.utils.clip_grad_norm_, without the 1e-6 that it adds to the norm."""
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(p.grad) for p in parameters]))
    for parameter in parameters:
        parameter.grad.mul_(torch.clamp(most / norm, max=1.0))


def numbers(values, dtype):
    return [float(f"{value:.9g}") if dtype == torch.float32 else value for value in values.detach().flatten().tolist()]


def steps(kind, o, dtype):
    parameters = [torch.nn.Parameter(tensor(shape, stream, dtype)) for stream, (_, shape) in enumerate(SHAPES)]
    updates = optimizer(kind, o, parameters)
    for step in range(STEPS):
        for index, parameter in enumerate(parameters):
            parameter.grad = tensor(parameter.shape, 100 + 10 * step + index, dtype)
        if o.get("clipNorm", 0) > 0 and kind != "lamb":
            clip(parameters, o["clipNorm"])
        updates.step()
    return {name: numbers(p, dtype) for (name, _), p in zip(SHAPES, parameters)}


def mixed(labels, shares):
    """Of each image its own class and the third one after it, as mixup makes them."""
    one_hot = torch.nn.functional.one_hot(labels, CLASSES).to(shares.dtype)
    return shares[:, None] * one_hot + (1 - shares[:, None]) * one_hot.roll(3, 1)


def loss_steps(kind, o, dtype):
    losses, gradients = [], []
    for step in range(STEPS):
        logits = tensor([IMAGES, CLASSES], 1000 + step, dtype, 8.0).requires_grad_()
        labels = torch.tensor([(step + 2 * n) % CLASSES for n in range(IMAGES)])
        targets = labels
        if o.get("soft"):
            targets = mixed(labels, tensor([IMAGES], 2000 + step, dtype) / 2 + 0.5)
        if kind == "binaryCrossEntropy":
            # On a training batch timm's loss smooths labels, and takes targets that mixup made as they are.
            loss = BinaryCrossEntropy(smoothing=o["smoothing"], target_threshold=o.get("threshold"))(logits, targets)
        else:
            loss = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=o["smoothing"])
        loss.backward()
        losses += numbers(loss, dtype)
        gradients.append(numbers(logits.grad, dtype))
    return {"losses": losses, "gradients": gradients}


class Averaged(torch.nn.Module):
    """What an average follows: a parameter and a running statistic."""

    def __init__(self, dtype):
        super().__init__()
        self.weights = torch.nn.Parameter(tensor([35], 0, dtype))
        self.register_buffer("statistics", tensor([5], 1, dtype))


def average_steps(kind, o, dtype):
    module = Averaged(dtype)
    if kind == "timm":
        follower = ModelEmaV3(module, decay=o["decay"], update_after_step=o["after"])
    else:
        follower = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(o["decay"]), use_buffers=True)
    for step in range(STEPS):
        with torch.no_grad():
            module.weights.copy_(tensor([35], 3000 + step, dtype))
            module.statistics.copy_(tensor([5], 4000 + step, dtype))
        if kind == "timm":
            follower.update(module, step=step + 1)
        elif step % o["every"] == 0:
            follower.update_parameters(module)
    return {"weights": numbers(follower.module.weights, dtype), "statistics": numbers(follower.module.statistics, dtype)}


def both(of):
    return {"f64": of(torch.float64), "f32": of(torch.float32)}


def main():
    torch.set_num_threads(1)
    document = {
        "torch": torch.__version__.split("+")[0],
        "timm": timm.__version__,
        "optimizers": [{"kind": k, "options": o, **both(lambda d, k=k, o=o: steps(k, o, d))} for k, o in OPTIMIZERS],
        "averages": [{"kind": k, "options": o, **both(lambda d, k=k, o=o: average_steps(k, o, d))} for k, o in AVERAGES],
        "losses": [{"kind": k, "options": o, **both(lambda d, k=k, o=o: loss_steps(k, o, d))} for k, o in LOSSES],
    }
    json.dump(document, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
