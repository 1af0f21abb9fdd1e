/** Units by themselves: a step of training in which the gradient at the output comes from outside, and what it gives. */
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import type { DeviceName, ProgramSet } from '../../lib/compiler/program.js'
import { buildGraph } from '../../lib/graph/build.js'
import type { Network } from '../../lib/layers/index.js'
import { loadBinding } from '../../lib/native/load.js'

/** Its program `train`, which takes `x` and `dy`: in double on the reference, in fp32 elsewhere. */
export const unitPrograms = (net: Network, batch: number, device: DeviceName): Promise<ProgramSet> =>
  compilePrograms(buildGraph(net), {
    device,
    precision: device === 'reference' ? 'fp64' : 'fp32',
    batch,
    programs: ['train'],
    input: { kind: 'tensor' },
    loss: { kind: 'externalGradient' },
    inputGradient: true,
  })

export interface UnitStep {
  readonly y: Float64Array
  /** By tensor: of the input (`dx`) and of every parameter. */
  readonly gradients: ReadonlyMap<string, Float64Array>
}

/** From `values`: of every parameter, and `x` and `dy`. Dropout draws by seed and step. */
export async function unitStep(set: ProgramSet, values: ReadonlyMap<string, Float64Array>, { seed = 0, step = 0 } = {}): Promise<UnitStep> {
  const session = await loadBinding().createSession(await serializePrograms(set), { threads: 2 })
  try {
    await session.allocate()
    for (const [name, data] of values) await session.write(name, data)
    await session.run('train', { steps: 1, seed, firstStep: step, learningRates: new Float64Array(), poison: true })
    const names = ['dx', ...set.tensors.map(({ name }) => name).filter((name) => name.startsWith('gradient/'))]
    const gradients = new Map<string, Float64Array>()
    for (const name of names) gradients.set(name, Float64Array.from(await session.read(name)))
    return { y: Float64Array.from(await session.read('y')), gradients }
  } finally {
    await session.dispose()
  }
}
