// Faults of networks, of the compiler and of what reads and holds programs.

export const compilerFaults = [
  {
    name: 'an update may read between the gradients',
    file: 'native/program/shared_gradients.cpp',
    search: 'if (is_written(*sgd, segment, written)) continue;',
    replace: 'continue;',
    tests: ['program/verifier'],
  },
]
