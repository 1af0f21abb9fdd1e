import { bytes } from './common.js'
import { distributedField } from './distributed.js'
import type { Document } from './document.js'
import { flag, integer, list, object, optional, text, type ValueOf } from './field.js'

const checkField = object('One check.', {
  what: text('What was looked at.'),
  found: text('What is there.'),
  wanted: text('What is needed.'),
  ok: flag('Whether what is there will do.'),
})
export type Check = ValueOf<typeof checkField>

const withoutAddon = 'where the native addon cannot be loaded'
const systemField = object('The machine and the libraries, as the native addon sees them.', {
  cpu: optional(text('Model of the processor.'), withoutAddon),
  instructionSets: optional(list('Instruction sets that vector code can use.', text('Its name, as `avx2`.')), withoutAddon),
  machineThreads: optional(integer({ help: 'Threads that the machine can run at a time.', unit: 'threads', minimum: 1 }), withoutAddon),
  allowedThreads: optional(integer({ help: 'Threads that this process may use: the default of `--threads`.', unit: 'threads', minimum: 1 }), withoutAddon),
  totalMemory: optional(bytes('Memory of the machine, or of the limits that it runs under.'), withoutAddon),
  availableMemory: optional(bytes('Memory that is free now.'), withoutAddon),
  oneDNN: optional(text('Version of oneDNN.'), withoutAddon),
  highway: optional(text('Version of Highway.'), withoutAddon),
  jpeg: optional(text('Library that decodes JPEG, with its version.'), withoutAddon),
  png: optional(text('Library that decodes PNG, with its version.'), withoutAddon),
  webp: optional(text('Library that decodes WebP, with its version.'), withoutAddon),
  compiler: optional(text('Compiler that built the addon, with its version.'), withoutAddon),
  build: optional(text('Kind of the build, as `Release`.'), withoutAddon),
  addonFile: optional(text('The file of the native addon.'), withoutAddon),
})
export type System = ValueOf<typeof systemField>

const version = (help: string): ReturnType<typeof integer> => integer({ help, unit: null, minimum: 0 })

const cudaField = object('CUDA: what the library was built for, what the machine has, and whether the kernels have run on hardware.', {
  problem: text('Why no GPU can be used; empty where one can.'),
  library: optional(
    object('The library of the CUDA executor.', {
      builtForRuntime: version("Version of CUDA's runtime that it was built for; 13000 is 13.0."),
      runtime: version("Version of CUDA's runtime that it runs with; 13000 is 13.0."),
      driver: version('Newest version of CUDA that the driver supports; 13000 is 13.0, and 0 says that there is no driver.'),
      builtForCudnn: version('Version of cuDNN that it was built for; 91900 is 9.19.0.'),
      cudnn: version('Version of cuDNN that it runs with; 91900 is 9.19.0, and 0 says that there is none.'),
      cudnnFrontend: version('Version of cudnn-frontend; 11800 is 1.18.0.'),
      architectures: text('Compute capabilities that it holds kernels for.'),
    }),
    'where it cannot be opened',
  ),
  devices: list(
    'GPUs that can be used.',
    object('One GPU.', {
      index: integer({ help: 'Its number, for `--cuda-index`.', unit: null, minimum: 0 }),
      name: text('Its name.'),
      architecture: integer({ help: 'Compute capability; 90 for an H100.', unit: null, minimum: 1 }),
      multiprocessors: integer({ help: 'Its multiprocessors.', unit: 'multiprocessors', minimum: 1 }),
      memory: bytes('Its memory.'),
      available: bytes('Memory of it that is free now.'),
    }),
  ),
  verified: list(
    'Results of `npm run gpu:check` in this checkout that passed; a published package has none.',
    object('One result.', {
      gpu: text('Name of the GPU.'),
      commit: text('Commit that was checked.'),
      date: text('When it was checked.'),
    }),
  ),
})
export type CudaReport = ValueOf<typeof cudaField>

export const doctorDocument = {
  name: 'doctor',
  help: 'What is there and what is wanted; with `--distributed` rank 0 prints it for all ranks. Exit status 1, with `--distributed` of all ranks, where `ok` is false.',
  version: 1,
  many: false,
  fields: {
    ok: flag('Whether all checks are met.'),
    version: text('Version of the package. The version of this document is `schemaVersion`.'),
    checks: list('All checks.', checkField),
    system: systemField,
    cuda: cudaField,
    distributed: optional(distributedField, 'without `--distributed`'),
  },
} satisfies Document
