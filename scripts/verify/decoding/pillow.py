"""Random resized crops by Pillow, one process: python pillow.py LIST exact|scaled ROUNDS SEED
LIST is a file with the path of a JPEG a line. Prints images, seconds and the mean area of the crops as JSON."""
import io
import json
import math
import random
import sys
import time

import PIL
from PIL import Image

SIDE = 224


def box(width, height):
    """torchvision's RandomResizedCrop."""
    for _ in range(10):
        area = random.uniform(0.08, 1) * width * height
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            x, y = random.randint(0, width - w), random.randint(0, height - h)
            return x, y, x + w, y + h
    w, h = width, height
    if width / height < 3 / 4:
        h = round(width / (3 / 4))
    elif width / height > 4 / 3:
        w = round(height * 4 / 3)
    x, y = (width - w) // 2, (height - h) // 2
    return x, y, x + w, y + h


def one(file, scaled):
    """The crop's area."""
    image = Image.open(io.BytesIO(file))
    left, top, right, bottom = box(*image.size)
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
    return (right - left) * (bottom - top)


def main(path, mode, rounds, seed):
    with open(path, encoding='utf-8') as stream:
        files = [open(name, 'rb').read() for name in stream.read().splitlines()]
    random.seed(int(seed))
    for file in files[:20]:
        one(file, mode == 'scaled')
    start = time.perf_counter()
    area = sum(one(file, mode == 'scaled') for _ in range(int(rounds)) for file in files)
    seconds = time.perf_counter() - start
    images = len(files) * int(rounds)
    print(json.dumps({'images': images, 'seconds': seconds, 'area': area / images, 'version': PIL.__version__}))


main(*sys.argv[1:])
