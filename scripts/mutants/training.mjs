// Faults of sessions and of training.

export const trainingFaults = [
]
