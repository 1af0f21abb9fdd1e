import { readFile } from 'node:fs/promises'
import { contractsVersion } from '../contracts.js'
import { PreresnetError } from '../errors.js'
import { findAddon } from '../native/addon_file.js'
import { loadBinding } from '../native/load.js'
import { glibc } from '../native/remedies.js'
import { packageVersion } from '../package.js'
import { flagOption } from '../options/spec.js'
import { ranksOptions } from '../ranks/options.js'
import type { CommandSpec } from './command.js'
import { cudaReport, cudaRows } from './cuda_report.js'
import { examineRanks, rankRows } from './distributed/examine.js'
import type { Distributed } from './json/distributed.js'
import { doctorDocument, type Check, type System } from './json/doctor.js'
import { printJson } from './json/document.js'
import { pairs, print, table } from './output.js'
import { amongRanks } from './ranks.js'

const options = {
  distributed: flagOption({
    group: 'Ranks',
    help: 'after mpirun or srun: compares all ranks (versions, programs, machines, shared memory, interfaces) and adds 1 MiB over them',
    fallback: false,
  }),
  ...ranksOptions,
}

export const doctor: CommandSpec<typeof options> = {
  name: 'doctor',
  summary: 'what is there and what is wanted: Node, the native addon, libraries, processor, memory, CUDA; status 1 if something is missing',
  options,
  json: doctorDocument,
  examples: [
    ['doctor', 'for people'],
    ['doctor --json', 'to attach to a report'],
    ['doctor --distributed', 'after `mpirun -n 4 npx preresnet`: who is missing, who differs, how fast the network is'],
  ],
  async run(values) {
    const addon = examineAddon()
    const own = [nodeCheck(), platformCheck(), await libcCheck(), ...addon.checks]
    if (!values.distributed) return tell(values.json, own, addon.system)
    return amongRanks(values, async (ranks) => {
      const { checks, distributed } = await examineRanks(ranks, own)
      const ok = checks.every((check) => check.ok)
      return ranks.rank === 0 ? tell(values.json, checks, addon.system, distributed) : ok ? 0 : 1
    })
  },
}

/** Prints what was found, and gives the exit status. */
function tell(json: boolean, checks: readonly Check[], system: System, distributed?: Distributed): number {
  const ok = checks.every((check) => check.ok)
  const cuda = cudaReport()
  if (json) printJson(doctorDocument, { ok, version: packageVersion(), checks, system, cuda, ...(distributed && { distributed }) })
  else {
    print(`preresnet ${packageVersion()}\n`)
    print(
      table(
        ['', 'found', 'wanted', ''],
        checks.map((check) => [check.what, check.found, check.wanted, check.ok ? 'ok' : distributed ? 'WRONG' : 'MISSING']),
      ),
    )
    const rows = Object.entries(system).map(([name, value]) => [name, Array.isArray(value) ? value.join(' ') : String(value)] as const)
    print(`\n${distributed === undefined ? pairs([...rows, ...cudaRows(cuda)]) : rankRows(distributed)}`)
  }
  return ok ? 0 : 1
}

function nodeCheck(): Check {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  return { what: 'Node', found: process.versions.node, wanted: '20.19 or later', ok: major > 20 || (major === 20 && minor >= 19) }
}

function platformCheck(): Check {
  const found = `${process.platform} ${process.arch}`
  return { what: 'platform', found, wanted: 'linux x64 or arm64', ok: process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch) }
}

async function libcCheck(): Promise<Check> {
  const version = glibc()
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const system = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? 'unknown system'
  return { what: 'C library', found: `${version === undefined ? 'not glibc' : `glibc ${version}`} (${system})`, wanted: 'glibc', ok: version !== undefined }
}

function examineAddon(): { checks: readonly Check[]; system: System } {
  try {
    const binding = loadBinding()
    const contracts: Check = {
      what: 'operation contracts',
      found: String(binding.contracts),
      wanted: String(contractsVersion),
      ok: binding.contracts === contractsVersion,
    }
    const addon: Check = { what: 'native addon', found: binding.version, wanted: packageVersion(), ok: binding.version === packageVersion() }
    return { checks: [addon, contracts], system: { ...binding.system, addonFile: findAddon().file } }
  } catch (error) {
    if (!(error instanceof PreresnetError)) throw error
    return { checks: [{ what: 'native addon', found: error.message.replace(/\s*\n\s*/g, ' '), wanted: packageVersion(), ok: false }], system: {} }
  }
}
