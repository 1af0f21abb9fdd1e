"""Answers of onnxruntime for onnx.mjs: `onnx_answers.py CASES` reads a list of cases as JSON, checks each file and runs it on images that lie beside it.

A case has `model` (an ONNX file), `images` (a file of numbers of the input's type), `batches` (how many of them at a time), and `output` (where the answers go,
in fp32, those of all batches one after another). Prints the versions and, for each case, what `onnx.checker` says.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime

THREADS = 2


def answer(case):
    onnx.checker.check_model(case["model"], full_check=True)
    model = onnx.load(case["model"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(case["model"], options, providers=["CPUExecutionProvider"])
    (described,) = session.get_inputs()
    images = numpy.fromfile(case["images"], numpy.uint8 if described.type == "tensor(uint8)" else numpy.float32).reshape(-1, *described.shape[1:])
    answers = [session.run(None, {described.name: images[:batch]})[0] for batch in case["batches"]]
    numpy.concatenate(answers).astype(numpy.float32).tofile(case["output"])
    operators = sorted({node.op_type for node in model.graph.node})
    return {"ir": model.ir_version, "opset": model.opset_import[0].version, "batch": described.shape[0], "operators": operators}


if __name__ == "__main__":
    results = []
    for case in json.loads(Path(sys.argv[1]).read_text()):
        try:
            results.append(answer(case))
        except Exception as error:  # what the checker or the runtime refuses is a result
            results.append({"refused": str(error)})
    print(json.dumps({"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "results": results}))
