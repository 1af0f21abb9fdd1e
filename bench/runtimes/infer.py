"""Inference by onnxruntime or OpenVINO on the CPU, from an ONNX file: class probabilities. The twin of `preresnet bench infer`.

    infer.py --runtime onnxruntime --model preresnet-164.onnx --network preresnet-164 --batch 1 --threads 2 --seconds 10 --json

`--hint throughput` is OpenVINO's way to compute several requests at a time, as many as it says itself; `latency` is one at a time. `--precision bf16` lets it
multiply in bf16; onnxruntime computes what the file says, fp32.
"""
import argparse
import math
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pytorch"))
import measure  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino"], required=True)
    parser.add_argument("--model", required=True, help="an ONNX file whose parameters are kept as they are")
    parser.add_argument("--network", required=True, help="its name in the result")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--hint", choices=["latency", "throughput"], default="latency")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=10, help="how long to measure, after a warm-up")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def onnxruntime_session(values):
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = values.threads
    return onnxruntime.InferenceSession(values.model, chosen, providers=["CPUExecutionProvider"])


def openvino_model(values):
    """Compiled for the batch, and the shape of one image."""
    import openvino

    core = openvino.Core()
    model = core.read_model(values.model)
    shape = model.input(0).partial_shape
    shape[0] = values.batch
    model.reshape(shape)
    settings = {
        "PERFORMANCE_HINT": values.hint.upper(),
        "INFERENCE_NUM_THREADS": values.threads,
        "INFERENCE_PRECISION_HINT": "bf16" if values.precision == "bf16" else "f32",
    }
    return core.compile_model(model, "CPU", settings), list(model.input(0).shape)[1:]


def onnxruntime_step(values, images):
    import onnxruntime

    if values.precision != "fp32" or values.hint != "latency":
        raise SystemExit("onnxruntime: expected --precision fp32 and --hint latency, it has no others")
    idle = measure.resident("VmRSS")
    session = onnxruntime_session(values)
    x = {session.get_inputs()[0].name: images(session.get_inputs()[0].shape[1:])}
    return lambda: session.run(None, x), 1, idle, {"onnxruntime": onnxruntime.__version__}


def openvino_step(values, images):
    import openvino

    idle = measure.resident("VmRSS")
    compiled, shape = openvino_model(values)
    x = images(shape)
    requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") if values.hint == "throughput" else 1
    running = [compiled.create_infer_request() for _ in range(requests)]

    def step():
        for request in running:
            request.start_async({0: x}, share_inputs=True)
        for request in running:
            request.wait()

    return step, requests, idle, {"openvino": openvino.__version__}


def parameters(path):
    """Trained values: what the file keeps but running statistics."""
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    trained = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT and ".running_" not in tensor.name]
    return sum(math.prod(tensor.dims) for tensor in trained)


def main():
    values = options()
    os.environ["OMP_NUM_THREADS"] = str(values.threads)
    import numpy

    def images(shape):
        return numpy.random.default_rng(1).standard_normal((values.batch, *shape), dtype=numpy.float32)

    step, requests, idle, versions = (onnxruntime_step if values.runtime == "onnxruntime" else openvino_step)(values, images)
    # A step of several requests is as many batches.
    per_step = argparse.Namespace(seconds=values.seconds, batch=values.batch * requests)
    speed = measure.stretches(step, per_step)
    peak = measure.resident("VmHWM") - idle  # before the parameters are counted, for which the file is loaded once more
    facts = {"threads": values.threads, "requests": requests, "parameters": parameters(values.model), "versions": versions}
    kind = f"{values.runtime}, {values.precision}, {values.hint}, {requests} at a time"
    measure.show(values, "infer", peak, speed, kind, facts)


if __name__ == "__main__":
    main()
