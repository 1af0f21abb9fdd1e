"""Photographs as WebP, and the pixels that Pillow reads from these: python pillow_webp.py < JOB > WRITTEN
JOB is {files, folder}; WRITTEN is a list of {path, pixels}: a WebP file, and its RGB pixels as bytes."""
import json
import sys
from pathlib import Path

from PIL import Image

job = json.load(sys.stdin)
folder = Path(job['folder'])
# Every lossless one is slow to write.
kinds = [('lossy-80', {'quality': 80}, 1), ('lossy-30', {'quality': 30, 'method': 2}, 1), ('lossless', {'lossless': True, 'method': 0}, 5)]
written = []
for index, file in enumerate(job['files']):
    image = Image.open(file).convert('RGB')
    for kind, options, every in kinds:
        if index % every != 0:
            continue
        path = folder / f'{index}-{kind}.webp'
        image.save(path, **options)
        pixels = folder / f'{index}-{kind}.rgb'
        pixels.write_bytes(Image.open(path).convert('RGB').tobytes())
        written.append({'path': str(path), 'pixels': str(pixels)})
json.dump(written, sys.stdout)
