// One network's convolutions through the tuner, in a process of its own: what the check `tuning` starts. Remembers what it finds where
// PRERESNET_CACHE says, convolution by convolution, and prints one JSON document; how far it is, on stderr.
//   node scripts/gpu/tune-network.mjs NETWORK BATCH DEVICE SECONDS      NETWORK: a name, or the description of one as JSON
import { compilePrograms } from '../../dist/lib/compiler/compile.js'
import { tuningProgress } from '../../dist/lib/cli/progress.js'
import { buildGraph } from '../../dist/lib/graph/index.js'
import { preResNet } from '../../dist/lib/models/index.js'
import { cudaDevice } from '../../dist/lib/runtime/cuda.js'
import { updateOptions } from '../../dist/lib/runtime/optimizer.js'
import { tune } from '../../dist/lib/runtime/tuner.js'
import { sgd } from '../../dist/lib/training/index.js'
import { emulated } from '../../dist/lib/native/emulation.js'
import { main } from '../support/run.mjs'

const PRECISION = 'fp16'

await main('tune-network', async () => {
  const [name, batch, device, seconds] = process.argv.slice(2)
  const work = () => tuneNetwork(name, batch, seconds)
  await (device === 'cuda-emulated' ? emulated({}, work) : work())
})

async function tuneNetwork(name, batch, seconds) {
  const network = preResNet(name.startsWith('{') ? JSON.parse(name) : name)
  const graph = buildGraph(network)
  const { architecture, session } = cudaDevice('tune-network', 'cuda', {})
  const sites = new Map()
  const plan = {
    device: 'cuda',
    precision: PRECISION,
    batch: Number(batch),
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'tensor' },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: updateOptions(graph, sgd(), []),
    arch: architecture,
  }
  await compilePrograms(graph, plan, sites)
  const began = performance.now()
  const show = tuningProgress(process.stderr.isTTY)
  let [done, total] = [0, 0]
  const progress = (...now) => {
    ;[done, total] = now
    show(done, total)
  }
  const about = () => ({ network: network.name, batch: Number(batch), precision: PRECISION, sites: sites.size, seconds: (performance.now() - began) / 1000 })
  try {
    const { timed, found, notes } = await tune(
      sites,
      { precision: PRECISION, architecture, session },
      { signal: AbortSignal.timeout(1000 * seconds), progress },
    )
    console.log(JSON.stringify({ ...about(), timed, notes, found: Object.fromEntries(found) }))
  } catch (error) {
    if (error.code !== 'ERR_ABORTED') throw error
    console.log(JSON.stringify({ ...about(), timed: done, error: `no time left after ${done} of ${total} convolutions; they are remembered` }))
  }
}
