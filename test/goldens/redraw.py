"""Draws the images of net-cifar-20-nesterov-smoothing again until single precision can decide the case.

    python redraw.py CASE.safetensors OUT.safetensors [--seed 1]

Where an input of a ReLU lies within fp32's rounding of zero, one processor's order of sums puts it on one side and another's on
the other, and a whole entry of a gradient comes or goes: such a case judges nobody's arithmetic. Perturbations of every input and
parameter by 1e-6, eight times the rounding of a number to fp32 and more, must therefore move no tensor by half of fp32's bound.
Parameters, recipe and tensors are those of the file that is given; results are PyTorch's in float64. Needs torch and safetensors.
"""
import argparse
import copy
import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

BOUND = 1e-4  # of networks in fp32, lib/goldens/bounds.ts
PERTURBATION, REPEATS, DRAWS = 1e-6, 16, 2000


class Unit(nn.Module):
    def __init__(self, inputs, outputs, stride, begins):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.downsample = None
        if inputs != outputs:
            self.downsample = nn.Module()
            self.downsample.conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.begins = begins

    def forward(self, x):
        activated = F.relu(self.norm1(x))
        shortcut = activated if self.begins else x
        if self.downsample is not None:
            shortcut = self.downsample.conv(activated)
        return shortcut + self.conv2(F.relu(self.norm2(self.conv1(activated))))


class Network(nn.Module):
    """Of the family 'cifar' with basic units and projections, by the names of the golden files."""

    def __init__(self, depth, classes):
        super().__init__()
        self.stem = nn.Module()
        self.stem.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.stages = nn.ModuleList()
        channels = 16
        for stage in range(3):
            blocks = nn.ModuleList()
            for index in range((depth - 2) // 6):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Unit(channels, 16 << stage, stride, stage == index == 0))
                channels = 16 << stage
            self.stages.append(nn.Module())
            self.stages[-1].blocks = blocks
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Module()
        self.head.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.stem.conv(x)
        for stage in self.stages:
            for unit in stage.blocks:
                x = unit(x)
        return self.head.fc(F.relu(self.norm(x)).mean((2, 3)))


def state(network):
    return {name: value.detach().clone() for name, value in network.state_dict().items() if value.is_floating_point()}


def train(network, given, case, low=None):
    """What the golden file compares, after the case's steps from `network`; with `low` in autocast."""
    network = copy.deepcopy(network).train()
    kind = given["x"].dtype
    arithmetic = torch.autocast("cpu", low or torch.bfloat16, enabled=low is not None)
    decays = lambda p: case["weightDecay"] if p.dim() > 1 or not case["excludeFromDecay"] else 0.0
    groups = [{"params": [p], "weight_decay": decays(p)} for p in network.parameters()]
    sgd = torch.optim.SGD(groups, lr=1.0, momentum=case["momentum"], nesterov=case["nesterov"])
    result, losses = {}, []
    for step, rate in enumerate(case["learningRates"]):
        with arithmetic:
            logits = network(given["x"][step])
        loss = F.cross_entropy(logits.to(kind), given["labels"][step], label_smoothing=case["labelSmoothing"])
        sgd.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            result["logits"] = logits.detach().clone()
            result |= {f"grad/{name}": p.grad.clone() for name, p in network.named_parameters()}
        for group in sgd.param_groups:
            group["lr"] = rate
        sgd.step()
    result["losses"] = torch.tensor(losses, dtype=torch.float64)
    result |= {f"after/{name}": value for name, value in state(network).items()}
    with torch.no_grad(), arithmetic:
        result["logits_eval"] = network.eval()(given["x"][0])
    return result


def errors(got, want):
    return {name: ((got[name].double() - value).norm() / value.norm().clamp_min(1e-30)).item() for name, value in want.items()}


def perturbed(value, generator):
    return value * (1 + PERTURBATION * torch.randn(value.shape, generator=generator).double())


def movement(network, given, case, want, generator):
    """The most that any tensor moves; ends as soon as that is too much."""
    worst = 0.0
    for _ in range(REPEATS):
        moved = copy.deepcopy(network)
        with torch.no_grad():
            for p in moved.parameters():
                p.copy_(perturbed(p, generator))
        got = train(moved, {**given, "x": perturbed(given["x"], generator)}, case)
        worst = max(worst, *errors(got, want).values())
        if worst > BOUND / 2:
            break
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case")
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with safe_open(options.case, "pt") as file:
        case = json.loads(file.metadata()["case"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    single = Network(case["depth"], case["classes"])
    before = {name: value for name, value in tensors.items() if name.startswith("before/")}
    single.load_state_dict({name.removeprefix("before/"): value for name, value in before.items()}, strict=False)
    network = copy.deepcopy(single).double()

    # The network here is the one that the file is of: the file's own numbers come out.
    given = {"x": tensors["x"].double(), "labels": tensors["labels"]}
    old = train(network, given, case)
    if sorted([*old, *before, *given]) != sorted(tensors) or max(errors({name: tensors[name] for name in old}, old).values()) > 1e-6:
        sys.exit(f"{options.case}: expected the numbers of the network that this script trains, got others")

    for draw in range(DRAWS):
        generator = torch.Generator().manual_seed(options.seed * 100_000 + draw)
        x = torch.randn(tensors["x"].shape, generator=generator)
        labels = torch.randint(case["classes"], tensors["labels"].shape, generator=generator)
        given = {"x": x.double(), "labels": labels}
        want = train(network, given, case)
        moved = movement(network, given, case, want, generator)
        if moved <= BOUND / 2:
            break
    else:
        sys.exit(f"no case in {DRAWS} draws that single precision decides")

    low = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    pytorch = {name: errors(train(single, {"x": x, "labels": labels}, case, kind), want) for name, kind in low.items()}
    rounded = {name: {key: float(f"{error:.3g}") for key, error in table.items()} for name, table in pytorch.items()}
    result = {"x": x, "labels": labels, **before, **{name: value.float().contiguous() for name, value in want.items()}}
    save_file(result, options.out, metadata={"case": json.dumps(case), "pytorch": json.dumps(rounded), "torch": torch.__version__})
    print(f"draw {draw}: perturbations of {PERTURBATION} move it by {moved:.1e}; " + ", ".join(f"PyTorch's {name} misses {max(table.values()):.1e}" for name, table in pytorch.items()))


if __name__ == "__main__":
    main()
