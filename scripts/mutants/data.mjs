// Faults of datasets, of the loader and of file formats.

export const dataFaults = [
]
