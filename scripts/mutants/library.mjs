// Faults of options, of inference and of the command line.

export const libraryFaults = [
]
