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
  {
    name: 'a document of --json with another version than its schema',
    file: 'lib/cli/json/document.ts',
    search: 'return { schemaVersion: version, ...value }',
    replace: 'return { schemaVersion: version + 1, ...value }',
    tests: ['cli/json'],
  },
  {
    name: 'the sizes of a plan without a field that its schema needs',
    file: 'lib/cli/plan.ts',
    search: '{ ...report, program, allocatedBytes: report.peakBytes }',
    replace: '{ ...report, program, ...({} as { allocatedBytes: number }) }',
    tests: ['cli/json'],
  },
  {
    name: 'ONNX: a norm is folded into a convolution that something else reads too',
    file: 'lib/exchange/onnx/norms.ts',
    search: "before.kind === 'conv2d' && readers[before.id] === 1",
    replace: "before.kind === 'conv2d'",
    tests: ['exchange/onnx'],
  },
  {
    name: "ONNX: a convolution's own bias is lost where a norm is folded into it",
    file: 'lib/exchange/onnx/norms.ts',
    search: '(before?.[channel] ?? 0)',
    replace: '0',
    tests: ['exchange/onnx'],
  },
  {
    name: 'protocol buffers: a length beyond the end is taken',
    file: 'lib/formats/protobuf_cursor.ts',
    search: 'if (length >= 0 && length <= rest) return length',
    replace: 'if (length >= 0) return Math.min(length, rest)',
    tests: ['formats/protobuf'],
  },
]
