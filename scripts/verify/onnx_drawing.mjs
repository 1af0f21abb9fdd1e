// Networks of random weights and their images, for onnx.mjs.
import { buildGraph } from '../../dist/lib/graph/index.js'
import { compile, sgd } from '../../dist/lib/index.js'

const largestLogit = 20

export const largest = (numbers) => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

/** The same numbers in every run. */
export function randomNumbers(seed) {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    let bits = state
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32
  }
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) }
}

/** Noise of several scales, as photographs have: each image has colors of its own, so that its answers differ from the others'. */
export function drawnImages(count, { height, width, channels }, { normal }) {
  const scales = [1, 4, 16, Infinity].map((scale) => ({ rows: Math.min(scale, height), columns: Math.min(scale, width) }))
  const noise = scales.map(({ rows, columns }) => Float64Array.from({ length: count * channels * rows * columns }, normal))
  return Float64Array.from({ length: count * channels * height * width }, (_, index) => {
    const [column, row, plane] = [index % width, Math.floor(index / width) % height, Math.floor(index / (width * height))]
    const at = ({ rows, columns }) => (plane * rows + Math.floor((row * rows) / height)) * columns + Math.floor((column * columns) / width)
    return Math.fround(scales.reduce((sum, scale, which) => sum + noise[which][at(scale)], 0) / Math.sqrt(scales.length))
  })
}

/** The last layer of each residual branch that has weights, and what they are multiplied by. */
function endsOfBranches(network) {
  const { nodes } = buildGraph(network)
  const lastWithWeight = (id) => (nodes[id].weight === undefined ? lastWithWeight(nodes[id].inputs.at(-1)) : nodes[id])
  const additions = nodes.filter(({ kind }) => kind === 'add')
  const passes = (shortcut) => nodes[shortcut].kind !== 'affine' && nodes[shortcut].kind !== 'multiply'
  return additions.map(({ inputs: [branch, shortcut] }) => [lastWithWeight(branch), passes(shortcut) ? 1 / Math.sqrt(additions.length) : 1])
}

/**
 * A model file with scales of both signs and running statistics near those of the images, but not equal to them; the largest logit is 20.
 *
 * Random units as they are initialized make rounding errors larger by a factor each, and a hundred of them multiply these factors, in any arithmetic. So
 * branches are as much smaller as makes all of them together add as much variance as the shortcut has; where a shortcut is scaled or gated they keep their
 * size, or nothing of the image would reach the end. The biases of norms lie around 1, so that a ReLU passes most of what tells images apart; at the ends of
 * smaller branches they lie around 0, or no sum would ever be negative.
 * @param {object} network Its running statistics follow one batch (momentum 1).
 * @param {object} settings Of the session that computes the running statistics.
 */
export async function draw(network, settings, model, x, { uniform, normal }) {
  const training = await compile(network, { ...settings, optimizer: sgd() })
  try {
    const rewrite = async (name, value) => {
      const tensor = training.parameter(name)
      await tensor.write(Float64Array.from(await tensor.read(), value))
    }
    const rewriteAll = async (pattern, value) => {
      for (const name of [...training.parameterNames, ...training.bufferNames]) if (pattern.test(name)) await rewrite(name, value)
    }
    await rewriteAll(/norm\d?\.weight$/, () => (uniform() < 0.1 ? -1 : 1) * (0.5 + uniform()))
    await rewriteAll(/norm\d?\.bias$/, () => 1 + 0.2 * normal())
    for (const [{ weight, bias }, factor] of endsOfBranches(network)) {
      await rewrite(weight, (value) => value * factor)
      if (bias !== undefined && factor < 1) await rewrite(bias, (value) => value - 1)
    }
    await training.step({ x, labels: new Int32Array(settings.batch) }, { learningRate: 0 })
    for (const name of training.bufferNames.filter((each) => each.endsWith('running_mean'))) {
      const variance = name.replace(/mean$/, 'var')
      const variances = await training.parameter(variance).read()
      await rewrite(name, (value, channel) => value + 0.1 * Math.sqrt(variances[channel]) * normal())
      await rewrite(variance, (value) => value * (0.7 + 0.7 * uniform()))
    }
    await rewriteAll(/^head\.fc\.bias$/, () => normal())
    const factor = largestLogit / largest(await training.infer({ x }, { output: 'logits' }))
    await rewriteAll(/^head\.fc\./, (value) => value * factor)
    await training.save(model)
  } finally {
    await training.dispose()
  }
}
