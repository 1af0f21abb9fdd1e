"""Shards written by PyPI's webdataset: python webdataset_shards.py LIST FOLDER
LIST has a line for each image: its key, its path and the number of its class, with tabs between them. Writes shards of 10 samples each, and prints webdataset's version."""
import importlib.metadata
import os
import sys

import webdataset


def main(images, folder):
    with open(images, encoding='utf-8') as stream:
        lines = [line.split('\t') for line in stream.read().splitlines()]
    with webdataset.ShardWriter(os.path.join(folder, 'train-%06d.tar'), maxcount=10, verbose=0) as shards:
        for key, path, label in lines:
            with open(path, 'rb') as image:
                # Bytes stay as they are; a number becomes its digits.
                shards.write({'__key__': key, path.rsplit('.', 1)[1].lower(): image.read(), 'cls': int(label)})
    print(importlib.metadata.version('webdataset'))


main(*sys.argv[1:])
