"""Trains a network as a run of preresnet did: the same start values, images, order and dropout masks. Prints the losses as JSON.

The job (JSON on standard input): network, start (a model file), images (a file of CIFAR's records), order ([steps][batch] numbers of images), masks (a file, or
null), mean, std, steps, rate, momentum, weightDecay, precision ('fp32' or 'fp64'), threads.
"""
import json
import struct
import sys

import torch
from torch.nn import functional as F

from rows import Network

JOB = json.load(sys.stdin)
DTYPE = torch.float64 if JOB["precision"] == "fp64" else torch.float32
RECORD = 1 + 3 * 32 * 32


def tensors(path):
    """Of a safetensors file in fp32."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    header.pop("__metadata__", None)
    views = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        views[name] = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin).reshape(entry["shape"])
    return views


def load(network):
    start = tensors(JOB["start"])
    own = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    if set(own) != set(start):
        raise SystemExit(f"names differ: {sorted(set(own) ^ set(start))[:8]}")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(start[name])


def masks(network, file, batch):
    """Bits of the dropouts of one step, in the order of the network; a kept value is doubled at rate 0.5."""
    side = {16: 32, 32: 16, 64: 8}
    for unit in network.units():
        if unit.varied:
            shape = (batch, unit.outputs, side[unit.outputs], side[unit.outputs])
            count = torch.Size(shape).numel()
            kept = torch.frombuffer(bytearray(file.read(count)), dtype=torch.uint8).reshape(shape)
            unit.mask = kept.to(DTYPE) * 2


def main():
    torch.set_num_threads(JOB["threads"])
    network = Network(JOB["network"]).to(DTYPE)
    load(network)
    with open(JOB["images"], "rb") as file:
        records = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(-1, RECORD)
    labels, pixels = records[:, 0].long(), records[:, 1:].reshape(-1, 3, 32, 32)
    mean, std = (torch.tensor(JOB[key], dtype=DTYPE).reshape(1, 3, 1, 1) for key in ("mean", "std"))
    optimizer = torch.optim.SGD(network.parameters(), lr=JOB["rate"], momentum=JOB["momentum"], weight_decay=JOB["weightDecay"])
    dropped = open(JOB["masks"], "rb") if JOB["masks"] else None
    losses = []
    for order in JOB["order"][: JOB["steps"]]:
        chosen = torch.tensor(order)
        if dropped is not None:
            masks(network, dropped, len(order))
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(network((pixels[chosen].to(DTYPE) / 255 - mean) / std), labels[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(json.dumps(losses))


if __name__ == "__main__":
    main()
