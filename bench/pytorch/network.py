"""Pre-activation residual networks (He et al. 2016, arXiv 1603.05027), by the names that preresnet gives them, and the original resnet-50.

A unit computes x + F(x), where F is BN-ReLU-convolution two or three times. Where the shape changes, F and the shortcut share
the first BN-ReLU; so they do in the first unit of a CIFAR network. An ImageNet network's stem has activated already.
"""
from torch import nn
from torch.nn import functional as F

# Units of each stage; three stages for images of 32 x 32, four for 224 x 224.
BASIC = {"preresnet-20": [3] * 3, "preresnet-32": [5] * 3, "preresnet-44": [7] * 3, "preresnet-56": [9] * 3, "preresnet-110": [18] * 3}
BASIC |= {"preresnet-18": [2, 2, 2, 2], "preresnet-34": [3, 4, 6, 3]}
BOTTLENECK = {"preresnet-164": [18] * 3, "preresnet-1001": [111] * 3}
BOTTLENECK |= {"preresnet-50": [3, 4, 6, 3], "preresnet-101": [3, 4, 23, 3], "preresnet-152": [3, 8, 36, 3], "preresnet-200": [3, 24, 36, 3]}
ORIGINAL = {"resnet-50": [3, 4, 6, 3]}
BOTTLENECK |= ORIGINAL
NAMES = [*BASIC, *BOTTLENECK]


def convolution(inputs, outputs, kernel, stride=1):
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


class Activation(nn.Module):
    """BN-ReLU."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(self.norm(x), inplace=True)


class OptionA(nn.Module):
    """Every second pixel, and channels of zeros behind: no parameters."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.zeros = stride, outputs - inputs

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.zeros))


class Unit(nn.Module):
    """`first`: None, or how the network's first unit begins, 'shared' or 'activated'."""

    def __init__(self, inputs, outputs, stride, bottleneck, option_a, first):
        super().__init__()
        middle = outputs // 4
        shapes = [(inputs, middle, 1, 1), (middle, middle, 3, stride), (middle, outputs, 1, 1)]
        if not bottleneck:
            shapes = [(inputs, outputs, 3, stride), (outputs, outputs, 3, 1)]
        changes = inputs != outputs or stride != 1
        self.before = nn.Identity() if first == "activated" else Activation(inputs)
        self.shared = changes or first == "shared"
        self.shortcut = nn.Identity()
        if changes:
            self.shortcut = OptionA(inputs, outputs, stride) if option_a else convolution(inputs, outputs, 1, stride)
        branch = [convolution(*shapes[0])]
        for shape in shapes[1:]:
            branch += [Activation(shape[0]), convolution(*shape)]
        self.branch = nn.Sequential(*branch)

    def forward(self, x):
        activated = self.before(x)
        return self.branch(activated) + self.shortcut(activated if self.shared else x)


class OriginalUnit(nn.Module):
    """Bottleneck: ReLU(BN-convolution three times, and the shortcut)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        middle = outputs // 4
        self.branch = nn.Sequential(
            *[convolution(inputs, middle, 1), Activation(middle), convolution(middle, middle, 3, stride), Activation(middle)],
            *[convolution(middle, outputs, 1), nn.BatchNorm2d(outputs)],
        )
        self.shortcut = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))


class PreActivationResNet(nn.Module):
    """Logits. `size` is the height and width of the images it is made for."""

    def __init__(self, name):
        super().__init__()
        bottleneck = name in BOTTLENECK
        counts = (BOTTLENECK if bottleneck else BASIC)[name]
        cifar = len(counts) == 3
        self.size, self.classes = (32, 10) if cifar else (224, 1000)
        channels = 16 if cifar else 64
        if cifar:
            self.stem = convolution(3, channels, 3)
        else:
            self.stem = nn.Sequential(convolution(3, channels, 7, 2), Activation(channels), nn.MaxPool2d(3, 2, 1))
        self.units = nn.ModuleList()
        for stage, count in enumerate(counts):
            outputs = (16 if cifar else 64) * 2**stage * (4 if bottleneck else 1)
            for index in range(count):
                first = ("shared" if cifar else "activated") if stage == index == 0 else None
                stride = 2 if stage > 0 and index == 0 else 1
                if name in ORIGINAL:
                    self.units.append(OriginalUnit(channels, outputs, stride))
                else:
                    self.units.append(Unit(channels, outputs, stride, bottleneck, cifar and not bottleneck, first))
                channels = outputs
        self.after = nn.Identity() if name in ORIGINAL else Activation(channels)
        self.head = nn.Linear(channels, self.classes)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        x = self.stem(x)
        for unit in self.units:
            x = unit(x)
        return self.head(self.after(x).mean((2, 3)))

    def compile_units(self):
        """Equal units share their compiled code, so a deep network compiles in the time of a shallow one."""
        for unit in self.units:
            unit.compile()
