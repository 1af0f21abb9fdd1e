// The same bits where the same bits are promised: a graph's replay and eager launches; two runs of the deterministic mode; with garbage in
// memory that is dead.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createHash } from 'node:crypto'
import { Stop } from '../support/run.mjs'

const STEPS = 6

export async function sameness({ home, emulated, secondsLeft, say, keep }) {
  const { compile, digits, loader, preResNet, randomCrop, sgd } = await import(pathToFileURL(join(home, 'dist/lib/index.js')).href)
  const { inTurn } = await import(pathToFileURL(join(home, 'dist/lib/runtime/internals.js')).href)
  const data = await digits()
  const network = preResNet({ family: 'cifar', depth: emulated ? 8 : 20, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
  const steps = emulated ? 2 : STEPS
  const weightsAfter = async (precision, cuda, run) => {
    const batches = loader(data.train, { batch: emulated ? 8 : 64, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] } })
    const session = await compile(network, {
      data: batches,
      device: 'cuda',
      optimizer: sgd({ momentum: 0.9 }),
      seed: 1,
      precision,
      // What the tuner takes is a matter of time, and another check's.
      cuda: { deterministic: true, tune: false, ...cuda },
    })
    try {
      const learningRates = new Float64Array(steps).fill(0.05)
      await inTurn(session, (native) => native.run('train', { steps, seed: 1, firstStep: 0, learningRates, loader: batches.native, firstBatch: 0, ...run }))
      const hash = createHash('sha256')
      for (const { name } of session.graph.parameters) hash.update(Buffer.from((await session.parameter(name).read()).buffer))
      return hash.digest('hex').slice(0, 16)
    } finally {
      await session.dispose()
      await batches.close()
    }
  }
  const comparisons = []
  for (const precision of emulated ? ['fp16'] : ['fp16', 'bf16', 'tf32', 'fp32']) {
    if (secondsLeft() <= 0) throw new Stop(`no time left before ${precision}`)
    const base = await weightsAfter(precision, {})
    const others = {
      again: await weightsAfter(precision, {}),
      eager: await weightsAfter(precision, { eager: true }),
      poisoned: await weightsAfter(precision, { eager: true }, { poison: true }),
    }
    for (const [name, bits] of Object.entries(others)) {
      comparisons.push({ precision, name, passed: bits === base })
      say(`${precision} ${name}: ${bits === base ? 'same bits' : 'OTHER BITS'}`)
    }
    keep({ steps, comparisons })
  }
  return { passed: comparisons.every(({ passed }) => passed), steps, comparisons }
}
