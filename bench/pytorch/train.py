"""Training steps by PyTorch on the CPU: forward, cross-entropy, backward, SGD with momentum. The twin of `preresnet bench train`."""
import measure


def main():
    values = measure.options(__doc__)
    torch, idle = measure.load(values)
    network, x = measure.prepared(torch, values)
    labels = torch.arange(values.batch) % network.classes
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4, fused=True)
    measure.apply_compile(values, network)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=values.precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
        if not loss.isfinite():
            raise SystemExit("the loss is not finite")

    measure.report(torch, values, "train", network, idle, measure.stretches(step, values))


if __name__ == "__main__":
    main()
