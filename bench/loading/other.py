"""onnxruntime or OpenVINO from an ONNX file: how long until it is ready, and until its first answer; peak memory. One fresh process.

    other.py --runtime onnxruntime --model preresnet-200.onnx --threads 2
"""
import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pytorch"))
import measure  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino"], required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


def onnxruntime_session(values):
    import onnxruntime

    def load():
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads = values.threads
        session = onnxruntime.InferenceSession(values.model, chosen, providers=["CPUExecutionProvider"])
        first = session.get_inputs()[0]
        return list(first.shape[1:]), lambda x: session.run(None, {first.name: x})

    return load


def openvino_session(values):
    import openvino

    def load():
        core = openvino.Core()
        model = core.read_model(values.model)
        shape = model.input(0).partial_shape
        shape[0] = 1
        model.reshape(shape)
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": values.threads, "INFERENCE_PRECISION_HINT": "bf16"}
        compiled = core.compile_model(model, "CPU", settings)
        return list(model.input(0).shape)[1:], compiled.create_infer_request().infer

    return load


def main():
    values = options()
    import numpy

    load = (onnxruntime_session if values.runtime == "onnxruntime" else openvino_session)(values)
    idle = measure.resident("VmRSS")
    begin = time.perf_counter()
    shape, answer = load()
    ready = time.perf_counter()
    x = numpy.zeros((1, *shape), dtype=numpy.float32)
    answer(x) if values.runtime == "onnxruntime" else answer({0: x})
    answered = time.perf_counter()
    peak = measure.resident("VmHWM") - idle
    print(json.dumps({"readySeconds": ready - begin, "answerSeconds": answered - begin, "peakBytes": peak}))


if __name__ == "__main__":
    main()
