/** Programs of inference, with parameters of ordinary size. */
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import type { Precision } from '../../lib/compiler/program.js'
import { buildGraph } from '../../lib/graph/build.js'
import type { Graph } from '../../lib/graph/graph.js'
import { preResNet, type PreResNetDescription } from '../../lib/models/index.js'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeSession } from '../../lib/native/types.js'
import { Random } from './random.js'

export const classes = 5

export type Target = readonly ['reference', 'fp64'] | readonly ['cpu', Precision]

export class Inference {
  private constructor(
    readonly graph: Graph,
    readonly native: NativeSession,
    readonly values: number,
    private readonly batch: number,
  ) {}

  static async open(description: PreResNetDescription, [device, precision]: Target, batch: number, threads = 1): Promise<Inference> {
    const network = preResNet({ ...description, classes })
    const graph = buildGraph(network)
    const set = await compilePrograms(graph, {
      device,
      precision,
      batch,
      programs: ['evaluate', 'infer'],
      input: { kind: 'tensor' },
      loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    })
    const native = await loadBinding().createSession(await serializePrograms(set), { threads })
    await native.allocate()
    const { height, width, channels } = network.input
    const inference = new Inference(graph, native, batch * height * width * channels, batch)
    await inference.write(1)
    await native.write('labels', new Int32Array(batch))
    return inference
  }

  /** Parameters and running statistics of ordinary size. */
  async write(seed: number): Promise<void> {
    for (const [index, { name, shape, init }] of [...this.graph.parameters, ...this.graph.buffers].entries()) {
      const count = shape.reduce((product, size) => product * size, 1)
      // As start values are: small where many are added up; norms near 1; variances too.
      const std = init.kind === 'normal' ? init.std : 0.3
      const center = init.kind === 'constant' ? init.value : 0
      await this.native.write(
        name,
        noise(count, seed * 1000 + index).map((value) => (center === 1 ? 1 + 0.3 * value : center + std * value)),
      )
    }
  }

  /** On `first` and the following images of many. */
  async run(program = 'infer', seed = 7, first = 0): Promise<Float64Array> {
    const before = (first * this.values) / this.batch
    await this.native.write('x', noise(before + this.values, seed).slice(before))
    await this.native.run(program, { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array(0) })
    return (await this.native.read('logits')) as Float64Array
  }
}

const made = new Map<string, Float64Array>()

/** Uniform of variance 1; made once, for sessions of many batch sizes want the same. */
function noise(count: number, seed: number): Float64Array {
  const key = `${count} ${seed}`
  const random = new Random(seed)
  const values = made.get(key) ?? Float64Array.from({ length: count }, () => (random.uniform() - 0.5) * Math.sqrt(12))
  made.set(key, values)
  return values
}

export async function logits(description: PreResNetDescription, target: Target, batch: number, threads = 1, first = 0): Promise<Float64Array> {
  const inference = await Inference.open(description, target, batch, threads)
  try {
    return await inference.run('infer', 7, first)
  } finally {
    await inference.native.dispose()
  }
}
