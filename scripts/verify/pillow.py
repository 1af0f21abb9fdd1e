"""What Pillow makes of crops, by the rules of docs/data.md, written down once more.
python pillow.py < CASES > BYTES
CASES is a JSON list of {file, height, width, seed, epoch, sample, filter} and what is done:
  area, aspect   a crop of random area, resized to height x width
  before         [height, width]: the middle of the stored image is all there is
  within         [height, width]: the same of the resized image, before it is cropped
  resize         [from, to]: the shorter side, drawn; then a crop of height x width, at random or, without `seed`, of the middle
BYTES are the pixels of all cases, RGB, one behind the other."""
import json
import math
import sys

import PIL
from PIL import Image

# From 13.0 on it resizes the rows of some images first, and rounds otherwise.
if int(PIL.__version__.split('.')[0]) > 12:
    sys.exit(f'expected Pillow 12 or earlier, got {PIL.__version__}')

FILTERS = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC}
MASK = 2**32 - 1


def philox(counter, seed):
    """Philox4x32-10."""
    c0, c1, c2, c3 = counter
    k0, k1 = seed & MASK, seed >> 32
    for _ in range(10):
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (second >> 32) ^ c1 ^ k0, second & MASK, (first >> 32) ^ c3 ^ k1, first & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def words(case, stream):
    return philox((case['sample'] & MASK, case['sample'] >> 32, case['epoch'], stream), case['seed'])


def below(word, count):
    return word * count >> 32


def uniform(word, limits):
    return limits[0] + (limits[1] - limits[0]) * (word / 2**32)


def area(case, width, height):
    """The box of torchvision's RandomResizedCrop: left, top, width, height."""
    aspect = case['aspect']
    for attempt in range(10):
        draw = words(case, 0x61726500 + attempt)
        pixels = height * width * uniform(draw[0], case['area'])
        ratio = math.exp(uniform(draw[1], [math.log(value) for value in aspect]))
        w, h = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < w <= width and 0 < h <= height:
            return below(draw[3], width - w + 1), below(draw[2], height - h + 1), w, h
    w, h = width, height
    if width / height < aspect[0]:
        h = round(width / aspect[0])
    elif width / height > aspect[1]:
        w = round(height * aspect[1])
    return (width - w) // 2, (height - h) // 2, w, h


def middle(size, crop):
    """Half of the border, ties to even: as Python rounds."""
    return round((size - crop) / 2)


def part(image, size):
    height, width = size
    left, top = middle(image.size[0], width), middle(image.size[1], height)
    return image.crop((left, top, left + width, top + height))


def crop(case):
    image = Image.open(case['file']).convert('RGB')
    if 'before' in case:
        image = part(image, case['before'])
    size = case['width'], case['height']
    how = FILTERS[case['filter']]
    if 'area' in case:
        left, top, width, height = area(case, *image.size)
        return image.crop((left, top, left + width, top + height)).resize(size, how)
    low, high = case['resize']
    draw = words(case, 0x73697A65) if 'seed' in case else None
    side = low if draw is None else low + below(draw[0], high - low + 1)
    shorter, longer = sorted(image.size)
    other = side * longer // shorter
    image = image.resize((side, other) if image.size[0] <= image.size[1] else (other, side), how)
    if 'within' in case:
        image = part(image, case['within'])
    borders = [whole - part for whole, part in zip(image.size, size)]
    if draw is None:
        left, top = (middle(whole, part) for whole, part in zip(image.size, size))
    else:
        left, top = below(draw[2], borders[0] + 1), below(draw[1], borders[1] + 1)
    return image.crop((left, top, left + size[0], top + size[1]))


for case in json.load(sys.stdin):
    sys.stdout.buffer.write(crop(case).tobytes())
