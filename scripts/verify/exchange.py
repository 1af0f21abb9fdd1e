"""Networks of timm and torchvision with random weights, for exchange.mjs.

    exchange.py make FOLDER LIBRARY NAME SIZE    writes weights.safetensors, weights.pth and case.safetensors: images, logits in double and in single
    exchange.py check FOLDER LIBRARY NAME        loads exported.safetensors strictly; prints how its weights and logits differ, as JSON
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

IMAGES = 2
LARGEST_LOGIT = 20.0


def create(library, name):
    if library == "timm":
        import timm

        return timm.create_model(name, pretrained=False)
    import torchvision

    return getattr(torchvision.models, name)(weights=None)


def norms(model):
    return [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]


def ends_of_branches(model):
    """The last parameterized layers of the residual branches: a norm in original units, a convolution in pre-activation units."""
    ends = {"BasicBlock": "bn2", "Bottleneck": "bn3", "PreActBasic": "conv2", "PreActBottleneck": "conv3"}
    return [getattr(module, ends[type(module).__name__]) for module in model.modules() if type(module).__name__ in ends]


@torch.no_grad()
def draw(model, x):
    """Scales of both signs and running statistics near those of the images, but not equal to them.

    Each of n branches ends with weights that are sqrt(n) times smaller, so that together they add as much variance as the shortcut has, at every depth. With
    branches as large as their shortcuts, each unit of a random network makes rounding errors larger by a factor, and 50 units multiply these factors, in any
    arithmetic.
    """
    for norm in norms(model):
        sign = torch.where(torch.rand_like(norm.weight) < 0.1, -1.0, 1.0)
        norm.weight.copy_(sign * (0.5 + torch.rand_like(norm.weight)))
        norm.bias.copy_(0.2 * torch.randn_like(norm.bias))
        norm.momentum = 1.0
    ends = ends_of_branches(model)
    for end in ends:
        end.weight.div_(len(ends) ** 0.5)
    model.train()
    model(x)
    for norm in norms(model):
        deviation = norm.running_var.sqrt()
        norm.running_mean.add_(0.1 * deviation * torch.randn_like(deviation))
        norm.running_var.mul_(0.7 + 0.7 * torch.rand_like(deviation))
    model.eval()
    head = model.get_classifier() if hasattr(model, "get_classifier") else model.fc
    head.bias.copy_(torch.randn_like(head.bias))
    head.weight.mul_(LARGEST_LOGIT / model(x).abs().max())


def drawn_images(size):
    """Noise of several scales, as photographs have: each image has colors of its own, so that its answers differ from the others'."""
    noise = [torch.randn(IMAGES, 3, min(scale, size), min(scale, size)) for scale in (1, 4, 16, size)]
    return sum(torch.nn.functional.interpolate(each, size=(size, size)) for each in noise) / len(noise) ** 0.5


@torch.no_grad()
def make(folder, library, name, size):
    torch.manual_seed(20261130)
    model = create(library, name)
    x = drawn_images(int(size))
    draw(model, x)
    weights = {key: value.clone().contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    torch.save(model.state_dict(), folder / "weights.pth")
    single = model(x)
    double = model.double()(x.double())
    save_file({"x": x, "single": single, "double": double}, folder / "case.safetensors")


@torch.no_grad()
def check(folder, library, name):
    given = load_file(folder / "weights.safetensors")
    exported = load_file(folder / "exported.safetensors")
    model = create(library, name).eval()
    model.load_state_dict(exported, strict=True)
    case = load_file(folder / "case.safetensors")
    got = model.double()(case["x"].double())
    differing = [key for key in given if not key.endswith("num_batches_tracked") and not torch.equal(given[key], exported[key])]
    print(json.dumps({"differing": differing, "logits": (got - case["double"]).abs().max().item()}))


if __name__ == "__main__":
    torch.set_num_threads(2)
    command, folder, *rest = sys.argv[1:]
    {"make": make, "check": check}[command](Path(folder), *rest)
