// Where a figure comes from: the processor, and the versions of everything that computes.
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
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
