"""Parquet files written by PyPI's datasets: python parquet_files.py LIST FOLDER
LIST has a line for each image: its path and the number of its class, with a tab between them; the first line has the names of the classes. Writes FOLDER/WAY.parquet for each way
of writing that the installed version has, in groups of 100 rows, and prints the ways."""
import json
import os
import sys

from datasets import ClassLabel, Dataset, Features, Image
from datasets.utils.logging import disable_progress_bar


def ways():
    """What the version does unasked, and, where it can be asked, each compression and version of pages."""
    yield 'default', {}
    for name, options in {
        'none': {'compression': 'none'},
        'snappy': {'compression': 'snappy'},
        'none-2': {'compression': 'none', 'data_page_version': '2.0'},
        'snappy-2': {'compression': 'snappy', 'data_page_version': '2.0'},
        'none-plain': {'compression': 'none', 'use_dictionary': False},
        'snappy-plain': {'compression': 'snappy', 'use_dictionary': False},
        'gzip': {'compression': 'gzip'},
        'brotli': {'compression': 'brotli'},
    }.items():
        yield name, options


def main(images, folder):
    disable_progress_bar()
    with open(images, encoding='utf-8') as stream:
        names, *lines = stream.read().splitlines()
    rows = [line.split('\t') for line in lines]
    features = Features({'image': Image(decode=False), 'label': ClassLabel(names=json.loads(names))})

    def read(path):
        with open(path, 'rb') as image:
            return image.read()

    dataset = Dataset.from_dict(
        {'image': [{'bytes': read(path), 'path': os.path.basename(path)} for path, _ in rows], 'label': [int(label) for _, label in rows]},
        features=features,
    )
    written = []
    for name, options in ways():
        try:
            dataset.to_parquet(os.path.join(folder, f'{name}.parquet'), batch_size=100, **options)
            written.append(name)
        except TypeError as error:
            # Later versions choose the compression themselves.
            if 'multiple values' not in str(error):
                raise
    print(json.dumps(written))


main(*sys.argv[1:])
