"""What train.py and infer.py share, and ../runtimes/infer.py in part: options, the clock, memory, and the result as `preresnet bench` prints it."""
import argparse
import json
import os
import re
import time


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--network", required=True, help="a name as preresnet-164")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--memory-format", choices=["nchw", "channels_last"], default="nchw")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16: autocast")
    parser.add_argument("--compile", nargs="?", choices=["units", "whole"], const="units", help="torch.compile, unit by unit or the network as one")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=10, help="how long to measure, after a warm-up")
    parser.add_argument("--json", action="store_true")
    values = parser.parse_args()
    # OpenMP reads it once, when torch is loaded.
    os.environ["OMP_NUM_THREADS"] = str(values.threads)
    return values


def load(values):
    """torch itself, set up, and the size of the process with it loaded."""
    import torch

    torch.set_num_threads(values.threads)
    torch.manual_seed(1)
    # Units of different shapes are the same Python code; the usual limit would leave the later ones uncompiled.
    torch._dynamo.config.recompile_limit = 64
    return torch, resident("VmRSS")


def prepared(torch, values):
    """The network and random input in its memory format."""
    from network import NAMES, PreActivationResNet

    if values.network not in NAMES:
        raise SystemExit(f"--network: expected one of {', '.join(NAMES)}, got {values.network}")
    layout = torch.channels_last if values.memory_format == "channels_last" else torch.contiguous_format
    network = PreActivationResNet(values.network).to(memory_format=layout)
    x = torch.randn(values.batch, 3, network.size, network.size).contiguous(memory_format=layout)
    return network, x


def apply_compile(values, network):
    if values.compile == "units":
        network.compile_units()
    elif values.compile == "whole":
        network.compile()


def stretches(step, values):
    """Ten stretches of whole steps, or as many steps as the time holds, three at least; a fifth of the time goes before, unmeasured."""

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return time.perf_counter() - start

    run(2)  # the first steps compile, choose algorithms and allocate
    once = warm = run(1)
    while warm < values.seconds / 5:
        once = run(1)
        warm += once
    length = max(1, round(values.seconds / 10 / once))
    times = []
    while sum(times) < values.seconds or len(times) < 3:
        times.append(run(length))
    rates = sorted(length * values.batch / seconds for seconds in times)
    middle = len(rates) // 2
    return {
        "imagesPerSecond": len(times) * length * values.batch / sum(times),
        "median": rates[middle] if len(rates) % 2 else (rates[middle - 1] + rates[middle]) / 2,
        "minimum": rates[0],
        "maximum": rates[-1],
        "steps": len(times) * length,
    }


def report(torch, values, work, network, idle, speed):
    onednn = re.search(r"(?:MKL-DNN|oneDNN) v([\d.]+)", torch.__config__.show())
    compile_mode = values.compile or "none"
    facts = {
        "threads": torch.get_num_threads(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "memoryFormat": values.memory_format,
        "compile": compile_mode,
        "versions": {"torch": torch.__version__, "oneDNN": onednn and onednn[1]},
    }
    show(values, work, resident("VmHWM") - idle, speed, f"{values.precision}, {values.memory_format}, compile {compile_mode}", facts)


def show(values, work, peak, speed, kind, facts):
    """Prints one measurement: as JSON with all `facts`, or in two lines, in which `kind` says how it was computed."""
    if values.json:
        result = {"network": values.network, "work": work, "batch": values.batch, **speed, "peakBytes": peak, "precision": values.precision, "device": "cpu"}
        print(json.dumps({**result, **facts}, indent=2))
        return
    print(f"{values.network}, {work}, batch {values.batch}, {kind}, {facts['threads']} threads; data loading not included")
    print(f"{speed['median']:.2f} images/s ({speed['minimum']:.2f} to {speed['maximum']:.2f}), {peak / 2**20:.0f} MiB above idle")


def resident(field):
    """Bytes: VmRSS is the size now, VmHWM the highest so far."""
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(rf"^{field}:\s+(\d+) kB$", file.read(), re.MULTILINE)[1]) * 1024
