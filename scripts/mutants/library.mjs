// Faults of options, of inference and of the command line.

export const libraryFaults = [
  {
    name: 'large images decoded without a budget',
    file: 'lib/inference/gate.ts',
    search: ' && this.#cost + large.cost <= budget',
    replace: ' && budget > 0',
    tests: ['inference/gate'],
  },
  {
    name: 'unknown options ignored',
    file: 'lib/options/values.ts',
    search: 'if (known.includes(key)) continue',
    replace: 'continue',
    tests: ['cli/bad_input', 'layers'],
  },
  {
    name: 'options within an option are not looked at',
    file: 'lib/options/check.ts',
    search: '  return checked(where, table, given, (key) => `${where}.${key}`)',
    replace: '  return given',
    tests: ['options/table'],
  },
  {
    name: 'eval forgets the options of a GPU',
    file: 'lib/cli/eval.ts',
    search: '...passedOn(sharedOptions, values),',
    replace: '...passedOn(sharedOptions, { json: true }),',
    tests: ['cli/train'],
  },
]
