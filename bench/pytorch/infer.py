"""Inference by PyTorch on the CPU: class probabilities with running statistics. The twin of `preresnet bench infer`.

With `--compile whole` weights are frozen too, which lets the compiler fold norms and lay weights out for oneDNN.
"""
import measure


def main():
    values = measure.options(__doc__)
    torch, idle = measure.load(values)
    network, x = measure.prepared(torch, values)
    network.eval()
    if values.compile == "whole":
        import torch._inductor.config

        torch._inductor.config.freezing = True
    measure.apply_compile(values, network)

    # One autocast region around all steps: weights are cast once and kept (autocast keeps only what could have a gradient).
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=values.precision == "bf16"):
        speed = measure.stretches(lambda: network(x).softmax(1), values)
    measure.report(torch, values, "infer", network, idle, speed)


if __name__ == "__main__":
    main()
