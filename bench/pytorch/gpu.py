"""Training steps by PyTorch on one GPU: forward, cross-entropy, backward, SGD with momentum. The twin of
`preresnet bench train --device cuda`.

Autocast in fp16 with a gradient scaler, or in bf16 or tf32 without; channels-last; fused SGD. Modes: `eager`; `compile`: torch.compile unit by unit
(equal units share their code) or with `--whole` the network as one; `graph` and `compile-graph`: the whole step captured once
as a CUDA graph, with a static loss scale. Random data that lies on the device. `activationBytes` is what the forward pass
leaves allocated for the backward pass.
"""
import argparse
import json
import statistics


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", help="a name as preresnet-200")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=["fp16", "bf16", "tf32"], default="fp16")
    parser.add_argument("--mode", choices=["eager", "compile", "graph", "compile-graph"], default="eager")
    parser.add_argument("--whole", action="store_true", help="compile the network as one")
    parser.add_argument("--max-autotune", action="store_true")
    parser.add_argument("--seconds", type=float, default=5, help="how long to measure, after a warm-up")
    parser.add_argument("--ceilings", action="store_true", help="measure copy bandwidth and matrix rate instead")
    parser.add_argument("--stem", action="store_true", help="time the first convolution of an ImageNet network by padded channels instead")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def timed(torch, work, repetitions):
    """Milliseconds of each repetition, by events on the device."""
    times = []
    for _ in range(repetitions):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return times


def ceilings(torch):
    """TB/s of a copy (bytes read plus written) and TFLOP/s of a matrix product in fp16, on random data; medians of ten."""
    source = torch.randn(1 << 30, device="cuda", dtype=torch.float16)
    target = torch.empty_like(source)
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.float16) for _ in range(2))
    result = {}
    for name, work, amount in (
        ("copyTBs", lambda: target.copy_(source), 4 * source.numel() / 1e12),
        ("matrixTFLOPs", lambda: a @ b, 2 * 8192**3 / 1e12),
    ):
        timed(torch, work, 3)
        result[name] = amount / (statistics.median(timed(torch, work, 10)) / 1e3)
    return result


def stem(torch, batch):
    """Forward and gradient of the weights of 64 filters of 7 x 7, stride 2, over channels that are padded to 3, 4 or 8; medians of ten."""
    result = []
    for channels in (3, 4, 8):
        x = torch.randn(batch, channels, 224, 224, device="cuda", dtype=torch.float16).to(memory_format=torch.channels_last)
        w = torch.randn(64, channels, 7, 7, device="cuda", dtype=torch.float16).to(memory_format=torch.channels_last).requires_grad_()
        dy = torch.randn(batch, 64, 112, 112, device="cuda", dtype=torch.float16).to(memory_format=torch.channels_last)

        def work():
            w.grad = None
            torch.nn.functional.conv2d(x, w, stride=2, padding=3).backward(dy)

        timed(torch, work, 3)
        result.append({"channels": channels, "milliseconds": statistics.median(timed(torch, work, 10))})
    return {"batch": batch, "channels": result}


class Step:
    def __init__(self, torch, values):
        from network import PreActivationResNet

        self.torch, self.values = torch, values
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        self.network = PreActivationResNet(values.network).cuda().to(memory_format=torch.channels_last)
        if "compile" in values.mode:
            self.compile()
        size = self.network.size
        self.x = torch.randn(values.batch, 3, size, size, device="cuda").to(memory_format=torch.channels_last)
        self.labels = torch.arange(values.batch, device="cuda") % self.network.classes
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4, fused=True)
        self.scaler = torch.amp.GradScaler(enabled=values.precision == "fp16" and "graph" not in values.mode)
        self.static_scale = 1024.0 if values.precision == "fp16" and "graph" in values.mode else 1.0
        self.activation_bytes = 0

    def compile(self):
        settings = {"mode": "max-autotune-no-cudagraphs"} if self.values.max_autotune else {}
        if self.values.whole:
            self.network.compile(**settings)
            return
        self.torch._dynamo.config.recompile_limit = 64
        for unit in self.network.units:
            unit.compile(**settings)

    def loss(self):
        torch = self.torch
        types = {"fp16": torch.float16, "bf16": torch.bfloat16, "tf32": torch.float32}
        with torch.autocast("cuda", types[self.values.precision], enabled=self.values.precision != "tf32"):
            return torch.nn.functional.cross_entropy(self.network(self.x), self.labels)

    def eager(self):
        self.optimizer.zero_grad(set_to_none=True)
        before = self.torch.cuda.memory_allocated()
        loss = self.loss()
        self.activation_bytes = self.torch.cuda.memory_allocated() - before
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def captured(self):
        """The step as a graph: gradients are unscaled by hand, since the scaler looks at them from the host."""
        torch = self.torch

        def step():
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss()
            (loss * self.static_scale).backward()
            if self.static_scale != 1:
                torch._foreach_div_([p.grad for p in self.network.parameters()], self.static_scale)
            self.optimizer.step()

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(4):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay


def stretches(torch, step, values):
    """As measure.py has it: ten stretches of whole steps after a fifth of the time unmeasured; images a second."""
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    once = statistics.median(timed(torch, step, 5)) / 1e3
    length = max(1, round(values.seconds / 10 / once))
    many = lambda: [step() for _ in range(length)]
    timed(torch, many, 2)
    rates = sorted(length * values.batch * 1e3 / ms for ms in timed(torch, many, 10))
    return {"imagesPerSecond": statistics.mean(rates), "median": statistics.median(rates), "minimum": rates[0], "maximum": rates[-1], "steps": 10 * length}


def main():
    values = options()
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no GPU")
    torch.manual_seed(1)
    if values.ceilings:
        result = ceilings(torch)
    elif values.stem:
        torch.backends.cudnn.benchmark = True
        result = stem(torch, values.batch)
    else:
        step = Step(torch, values)
        step.eager()
        step.eager()
        activation_bytes = step.activation_bytes
        work = step.captured() if "graph" in values.mode else step.eager
        result = {
            "network": values.network,
            "batch": values.batch,
            "precision": values.precision,
            "mode": values.mode + (" whole" if values.whole else "") + (" max-autotune" if values.max_autotune else ""),
            **stretches(torch, work, values),
            "activationBytes": activation_bytes,
            "peakBytes": torch.cuda.max_memory_allocated(),
            "parameters": sum(p.numel() for p in step.network.parameters()),
        }
    result["versions"] = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    result["gpu"] = torch.cuda.get_device_name()
    print(json.dumps(result, indent=None if values.json else 2))


if __name__ == "__main__":
    main()
