// Where a figure comes from: the processor, and the versions of everything that computes.
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { output, Stop } from '../../scripts/support/run.mjs'

export function describeMachine() {
  const doctor = output(process.execPath, ['dist/lib/cli/main.js', 'doctor', '--json'])
  if (doctor === undefined) throw new Stop('preresnet does not run here: node dist/lib/cli/main.js doctor says why')
  const { system, version } = JSON.parse(doctor)
  const commit = output('git', ['rev-parse', '--short', 'HEAD'])?.trim()
  const changed = output('git', ['status', '--porcelain', '--', 'lib', 'native', 'bench', ':!bench/results'])?.trim()
  return {
    machine: { cpu: system.cpu, instructionSets: system.instructionSets, threads: system.allowedThreads, memoryBytes: totalmem(), system: distribution() },
    versions: {
      preresnet: `${version}${commit === undefined ? '' : ` (${commit}${changed ? ', changed' : ''})`}`,
      node: process.versions.node,
      oneDNN: system.oneDNN,
      highway: system.highway,
      compiler: system.compiler,
    },
  }
}

/** How much of the processors others use, from 0 to 1, seen for half a second. A load average would remember what has ended or was stopped. */
export async function busyShare() {
  const read = () => readFileSync('/proc/stat', 'latin1').split('\n')[0].split(/\s+/).slice(1, 9).map(Number)
  const before = read()
  await sleep(500)
  const spent = read().map((ticks, index) => ticks - before[index])
  const all = spent.reduce((sum, ticks) => sum + ticks, 0)
  return 1 - (spent[3] + spent[4]) / all // idle, and waiting for a disk
}

function distribution() {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
}

/** `amd-epyc-2-threads`: a machine's name in file names and in the documentation. */
export function machineName({ cpu, threads }) {
  return `${cpu} ${threads} threads`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
