"""onnxruntime or OpenVINO from an ONNX file: how long until it is ready, and until its first answer; peak memory. One fresh process.

    other.py --runtime onnxruntime --model preresnet-200.onnx --threads 2
"""
import argparse
import importlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtimes"))
import infer  # noqa: E402
from infer import measure  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino"], required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.set_defaults(batch=1, hint="latency", precision="bf16")  # of OpenVINO
    return parser.parse_args()


def load_onnxruntime(values):
    session = infer.onnxruntime_session(values)
    first = session.get_inputs()[0]
    return first.shape[1:], lambda x: session.run(None, {first.name: x})


def load_openvino(values):
    compiled, shape = infer.openvino_model(values)
    request = compiled.create_infer_request()
    return shape, lambda x: request.infer({0: x})


def main():
    values = options()
    import numpy

    importlib.import_module(values.runtime)
    load = load_onnxruntime if values.runtime == "onnxruntime" else load_openvino
    idle = measure.resident("VmRSS")
    begin = time.perf_counter()
    shape, answer = load(values)
    ready = time.perf_counter()
    x = numpy.zeros((1, *shape), dtype=numpy.float32)
    answer(x)
    answered = time.perf_counter()
    peak = measure.resident("VmHWM") - idle
    print(json.dumps({"readySeconds": ready - begin, "answerSeconds": answered - begin, "peakBytes": peak}))


if __name__ == "__main__":
    main()
