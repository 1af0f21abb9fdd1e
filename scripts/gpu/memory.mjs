// Ten thousand steps from a loader: the memory of host and device must be flat, and a step may wait for data less than a hundredth of its time.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Stop } from '../support/run.mjs'
import { attempt } from './processes.mjs'

export async function memory({ home, emulated, secondsLeft, say, keep }) {
  const { compile, digits, loader, preResNet, randomCrop, sgd } = await import(pathToFileURL(join(home, 'dist/lib/index.js')).href)
  const total = emulated ? 20 : 10_000
  const data = await digits()
  const batches = loader(data.train, { batch: emulated ? 4 : 128, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] }, workers: emulated ? 1 : 8 })
  const network = preResNet({ family: 'cifar', depth: emulated ? 8 : 20, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
  const session = await compile(network, { data: batches, device: 'cuda', optimizer: sgd({ momentum: 0.9 }), seed: 1 })
  const samples = []
  let waited = 0
  let all = 0
  try {
    for (let done = 0; done < total; done += total / 10) {
      const metrics = await session.steps(total / 10, { learningRate: 0.02 })
      waited += metrics.dataSeconds
      all += metrics.seconds
      samples.push({ steps: done + total / 10, hostBytes: residentBytes(), deviceBytes: emulated ? 0 : deviceBytes() })
      keep({ samples })
      if (secondsLeft() <= 0 && samples.length < 10) throw new Stop(`no time left after ${done + total / 10} of ${total} steps`)
    }
  } finally {
    await session.dispose()
    await batches.close()
  }
  const [first, last] = [samples[1], samples.at(-1)]
  const hostGrowth = last.hostBytes - first.hostBytes
  const deviceGrowth = last.deviceBytes - first.deviceBytes
  const waitingShare = waited / all
  say(
    `host ${(hostGrowth / 2 ** 20).toFixed(1)} MiB more, device ${(deviceGrowth / 2 ** 20).toFixed(1)} MiB more, ${(100 * waitingShare).toFixed(2)} % of the time waiting`,
  )
  const flat = hostGrowth < 16 * 2 ** 20 && deviceGrowth === 0
  return { passed: emulated || (flat && waitingShare < 0.01), samples, hostGrowth, deviceGrowth, waitingShare }
}

function residentBytes() {
  globalThis.gc?.()
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024
}

/** What the driver says is in use on the first device, by whomever. */
function deviceBytes() {
  const { status, stdout } = attempt('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits'], { limit: 30 })
  return status === 0 ? Number(stdout.split('\n')[0]) * 2 ** 20 : NaN
}
