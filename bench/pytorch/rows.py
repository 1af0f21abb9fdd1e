"""Networks for CIFAR with every unit of Tables 1 and 2 of He et al. 2016 (arXiv 1603.05027), by the names that preresnet gives their parameters."""
import torch
from torch import nn
from torch.nn import functional as F


def convolution(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Unit(nn.Module):
    """A unit by its name; `shared`: the network's first unit, whose activation serves both paths."""

    def __init__(self, unit, inputs, outputs, stride, bottleneck, option_a, shared, factor):
        super().__init__()
        self.unit, self.factor, self.stride, self.outputs = unit, factor, stride, outputs
        self.changes = inputs != outputs or stride != 1
        self.shared = shared or self.changes
        # Variants of the shortcut are of units that keep their shape; one that changes it is the original one.
        self.varied = not self.changes
        middle = outputs // 4
        shapes = [(inputs, middle, 1, 1), (middle, middle, 3, stride), (middle, outputs, 1, 1)]
        if not bottleneck:
            shapes = [(inputs, outputs, 3, stride), (outputs, outputs, 3, 1)]
        self.count = len(shapes)
        for index, shape in enumerate(shapes, 1):
            self.add_module(f"norm{index}", nn.BatchNorm2d(shape[0] if unit == "pre-activation" else shape[1]))
            self.add_module(f"conv{index}", convolution(*shape))
        self.downsample = None
        if self.changes and not option_a:
            self.downsample = nn.Module()
            self.downsample.conv = convolution(inputs, outputs, 1, stride)
            if unit not in ("pre-activation", "bn-after-addition"):
                self.downsample.norm = nn.BatchNorm2d(outputs)
        if self.varied and unit == "conv-shortcut":
            self.downsample = nn.Module()
            self.downsample.conv, self.downsample.norm = convolution(inputs, outputs, 1), nn.BatchNorm2d(outputs)
        if self.varied and "gating" in unit:
            self.gate = convolution(outputs, outputs, 1, bias=True)
        self.mask = None

    def through(self, index, x):
        norm, conv = getattr(self, f"norm{index}"), getattr(self, f"conv{index}")
        return conv(F.relu(norm(x))) if self.unit == "pre-activation" else norm(conv(x))

    def branch(self, x):
        """Convolutions and norms, with a ReLU between them."""
        for index in range(1, self.count + 1):
            if self.unit == "bn-after-addition" and index == self.count:
                return getattr(self, f"conv{index}")(x)
            x = self.through(index, x)
            if self.unit != "pre-activation" and index < self.count:
                x = F.relu(x)
        return x

    def identity(self, x):
        """The shortcut before anything is varied: identity, zeros behind every second pixel, or a projection."""
        if self.downsample is not None:
            y = self.downsample.conv(x)
            return self.downsample.norm(y) if hasattr(self.downsample, "norm") else y
        if not self.changes:
            return x
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.outputs - x.shape[1]))

    def forward(self, x):
        unit = self.unit
        if unit == "pre-activation":
            if not self.shared:
                return x + self.branch(x)
            activated = F.relu(self.norm1(x))
            y = self.conv1(activated)
            for index in range(2, self.count + 1):
                y = self.through(index, y)
            return self.identity(activated) + y
        if unit == "relu-only-preactivation":
            activated = F.relu(x)
            return self.identity(activated if self.shared else x) + self.branch(activated)
        f = self.branch(x)
        h = self.identity(x)
        if unit == "bn-after-addition":
            return F.relu(getattr(self, f"norm{self.count}")(h + f))
        if unit == "relu-before-addition":
            return h + F.relu(f)
        if self.varied:
            if unit == "constant-scaling":
                h, f = self.factor * h, self.factor * f
            elif unit == "constant-shortcut":
                h = self.factor * h
            elif unit == "dropout-shortcut":
                h = h * self.mask
            elif "gating" in unit:
                g = torch.sigmoid(self.gate(x))
                h = (1 - g) * h
                f = g * f if unit == "exclusive-gating" else f
        return F.relu(h + f)


class Network(nn.Module):
    """Logits. `description` is what preResNet was given, completed: depth, block, unit, shortcut, factor."""

    def __init__(self, description):
        super().__init__()
        unit, bottleneck = description["unit"], description["block"] == "bottleneck"
        count = (description["depth"] - 2) // (9 if bottleneck else 6)
        self.unit = unit
        self.stem = nn.Module()
        self.stem.conv = convolution(3, 16, 3)
        if unit != "pre-activation":
            self.stem.norm = nn.BatchNorm2d(16)
        self.stages = nn.ModuleList()
        channels = 16
        for stage in range(3):
            outputs = 16 * 2**stage * (4 if bottleneck else 1)
            holder = nn.Module()
            holder.blocks = nn.ModuleList()
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                first = stage == index == 0
                holder.blocks.append(Unit(unit, channels, outputs, stride, bottleneck, description["shortcut"] == "option-a", first, description.get("factor")))
                channels = outputs
            self.stages.append(holder)
        if unit == "pre-activation":
            self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Module()
        self.head.fc = nn.Linear(channels, 10)

    def units(self):
        return [block for stage in self.stages for block in stage.blocks]

    def forward(self, x):
        x = self.stem.conv(x)
        if hasattr(self.stem, "norm"):
            x = self.stem.norm(x)
            if self.unit != "relu-only-preactivation":
                x = F.relu(x)
        for block in self.units():
            x = block(x)
        if self.unit == "pre-activation":
            x = F.relu(self.norm(x))
        elif self.unit == "relu-only-preactivation":
            x = F.relu(x)
        return self.head.fc(x.mean((2, 3)))
