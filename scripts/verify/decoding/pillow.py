"""Resized crops by Pillow, one process: python pillow.py LIST exact|scaled START
LIST has a line for each JPEG: its path, and "left top width height" of one crop after the other, with tabs between them. START is when it begins, in seconds since 1970.
Prints images and the seconds from then on as JSON."""
import io
import json
import random
import sys
import time

import PIL
from PIL import Image

SIDE = 224


def one(file, box, scaled):
    image = Image.open(io.BytesIO(file))
    left, top, width, height = box
    right, bottom = left + width, top + height
    if scaled:
        # Decoded at a reduced size that still holds the crop; the box is given in the reduced image.
        factor = max(1, min((right - left) // SIDE, (bottom - top) // SIDE))
        width, height = image.size
        image.draft('RGB', (width // factor, height // factor))
        x, y = image.size[0] / width, image.size[1] / height
        image = image.convert('RGB').resize((SIDE, SIDE), Image.BILINEAR, box=(left * x, top * y, right * x, bottom * y))
    else:
        image = image.convert('RGB').crop((left, top, right, bottom)).resize((SIDE, SIDE), Image.BILINEAR)
    if random.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    image.tobytes()


def main(path, mode, at):
    with open(path, encoding='utf-8') as stream:
        lines = [line.split('\t') for line in stream.read().splitlines()]
    files = [open(name, 'rb').read() for name, *_ in lines]
    boxes = [[tuple(map(int, box.split())) for box in crops] for _, *crops in lines]
    scaled = mode == 'scaled'
    for file, crops in list(zip(files, boxes))[:20]:
        one(file, crops[0], scaled)
    rounds = len(boxes[0])
    wait = float(at) - time.time()
    if wait < 0:
        sys.exit(f'expected to be ready in time, got ready {-wait:.1f} s late')
    time.sleep(wait)
    start = time.perf_counter()
    for round_ in range(rounds):
        for file, crops in zip(files, boxes):
            one(file, crops[round_], scaled)
    seconds = time.perf_counter() - start
    print(json.dumps({'images': len(files) * rounds, 'seconds': seconds, 'version': PIL.__version__}))


main(*sys.argv[1:])
