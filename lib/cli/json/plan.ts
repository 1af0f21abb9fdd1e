import { bytes, deviceField, networkField, precisionField } from './common.js'
import type { Document } from './document.js'
import { choice, integer, list, named, number, object, optional, text, type Field } from './field.js'
import { scalingField } from './scaling.js'

const launches = (help: string): Field<number, false> => integer({ help, unit: 'launches', minimum: 0 })
const notTimed = 'without `--time`'
const notCuda = 'where the program is not for CUDA'

const operationField = object('One operation.', {
  op: text('Its contract, as `conv`.'),
  name: text('Layer that it computes.'),
  phase: choice('Part of the step that it belongs to.', ['forward', 'loss', 'backward', 'update']),
  fused: list('Layers that run inside this operation.', text('Kind of the layer.')),
  bytesRead: bytes('Size of its operands that are read, each counted once.'),
  bytesWritten: bytes('Size of its operands that are written, each counted once.'),
  flops: integer({
    help: 'Arithmetic, as of direct convolutions and matrix products; a multiplication and an addition are two.',
    unit: 'operations',
    minimum: 0,
  }),
  shape: list('Shape of the first feature map or matrix that is written.', integer({ help: 'One extent.', unit: null, minimum: 1 })),
  launches: optional(launches('What it launches on the GPU; a fused convolution once a group of statistics.'), notCuda),
  milliseconds: optional(number({ help: 'Median time of it.', unit: 'milliseconds', minimum: 0, above: true }), notTimed),
  flopsPerSecond: optional(number({ help: 'The arithmetic by the time.', unit: 'operations a second', minimum: 0 }), notTimed),
  bytesPerSecond: optional(number({ help: 'Its operands, each counted once, by the time.', unit: 'bytes a second', minimum: 0 }), notTimed),
  shareOfPeak: optional(
    number({
      help:
        "Time at the machine's peak (of arithmetic or of copies, the longer) as a share of the time taken; " +
        'above 1 where an algorithm multiplies less than direct convolution, or where operands lay in a cache.',
      unit: null,
      minimum: 0,
    }),
    notTimed,
  ),
})

const launchesField = object('What a step launches on a GPU, small second launches of sums aside.', {
  total: launches('All launches.'),
  convolutions: object('Launches of cuDNN.', {
    forward: launches('Those of the forward pass.'),
    backward: launches('Those of the backward pass; what is computed again belongs to it.'),
  }),
  operations: named('Launches by operation; those that are no convolution are own kernels.', launches('Launches of the operation.')),
})

const timingFields = {
  milliseconds: optional(number({ help: 'Sum over the operations.', unit: 'milliseconds', minimum: 0, above: true }), notTimed),
  runs: optional(integer({ help: 'Runs whose median counts, after one that does not.', unit: 'runs', minimum: 1 }), notTimed),
  peakFlops: optional(
    number({
      help: "The machine's best arithmetic: on a CPU fp32 in registers with all threads, on CUDA a large matrix product in the precision of the program.",
      unit: 'operations a second',
      minimum: 0,
      above: true,
    }),
    notTimed,
  ),
  peakBytesPerSecond: optional(number({ help: 'What large copies read and write at best.', unit: 'bytes a second', minimum: 0, above: true }), notTimed),
  instructions: optional(text('Instruction set of vector code, as `AVX3`.'), 'without `--time`, and on CUDA'),
  threads: optional(integer({ help: 'Threads of the CPU executor.', unit: 'threads', minimum: 1 }), 'without `--time`, and on CUDA'),
}

export const planDocument = {
  name: 'plan',
  help: 'The program of a network: its operations, what was fused into them, bytes read and written, memory; with `--time` how long each operation takes.',
  version: 1,
  many: false,
  fields: {
    network: networkField,
    device: deviceField,
    precision: precisionField,
    program: choice('Which program it is.', ['train', 'evaluate', 'infer']),
    batch: integer({ help: 'Images that are computed at a time: those of a step, or of one of its accumulations.', unit: 'images', minimum: 1 }),
    accumulations: optional(
      integer({
        help: 'Accumulations of a step; operations, bytes and times are those of one, with the update that follows the last.',
        unit: 'accumulations',
        minimum: 2,
      }),
      'where a step is done at once',
    ),
    operations: list('All operations, in the order in which they run.', operationField),
    bytesRead: bytes('Sum over the operations of what they read.'),
    bytesWritten: bytes('Sum over the operations of what they write.'),
    bytesMoved: bytes('What crosses memory where no cache holds anything between operations: `bytesRead` and `bytesWritten`.'),
    launches: optional(launchesField, notCuda),
    activationBytes: bytes('Tensors of the forward pass that the backward pass reads.'),
    activationBytesUnfused: bytes('The same if every convolution kept its normalized input beside the raw one.'),
    arenas: named('Size of each arena, by its name.', bytes('Size of the arena.')),
    gradientsAt: optional(bytes('Where arena `gradients` begins within arena `activations`.'), 'where it does not lie there'),
    scratchBytes: bytes('Scratch of the executor; 0 on CUDA, where it is not known.'),
    allocatedBytes: bytes('All that a session allocates; on CUDA all arenas, on top of which comes the workspace of convolutions.'),
    peakBytes: number({
      help: 'Without `--time` the same as `allocatedBytes`; with it the same as `peakBytesPerSecond`. Read those instead.',
      unit: 'bytes, or bytes a second',
      minimum: 0,
    }),
    ...timingFields,
    scaling: optional(scalingField, 'without `--ranks`'),
  },
} satisfies Document
