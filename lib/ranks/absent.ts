/** Which ranks of this machine have not come, by what the system says of processes: those who wait for them inside of MPI can ask nobody. */
import { readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { launchOf, type Launch } from './launch.js'

/** The thread that waits for the others is called so (native/addon/ranks_state.cpp). */
const whileJoining = 'preresnet-join'

interface Found {
  readonly pid: number
  readonly parent: number
  readonly stopped: boolean
  readonly joining: boolean
  /** Undefined for a process that is no rank. */
  readonly launch: Launch | undefined
}

/** A phrase that names the ranks that have not come as far as can be seen from here, and what to do. */
export function absentRanks(launch: Launch | undefined, { processes = '/proc', self = process.pid } = {}): string {
  const remedy = 'end all and start them again, or give them more time by startTimeout (--start-timeout)'
  if (launch === undefined) return remedy
  const here = ranksBeside(processes, self)
  const states = Array.from({ length: launch.ranks }, (_, rank) => ({ rank, state: stateOf(here.filter((one) => one.launch?.rank === rank)) }))
  const missing = states.filter(({ state }) => state !== undefined && state !== 'unseen').map(({ rank, state }) => `rank ${rank} ${state}`)
  const unseen = states.filter(({ state }) => state === 'unseen').map(({ rank }) => rank)
  const away = unseen.length === 0 ? [] : [`of rank${unseen.length === 1 ? '' : 's'} ${unseen.join(', ')} there is no process on host ${hostname()}`]
  const all = [...missing, ...away]
  return `${all.length === 0 ? 'all of them are running' : all.join('; ')}; ${remedy}`
}

/** Of the processes of one rank, of which launchers and shells may be some. Undefined: it has come. */
function stateOf(all: readonly Found[]): string | undefined {
  if (all.length === 0) return 'unseen'
  const still = all.find(({ stopped }) => stopped)
  if (still !== undefined) return `stands still (process ${still.pid} was stopped by a signal)`
  if (all.some(({ joining }) => joining)) return undefined
  return `has not begun to join (process ${Math.max(...all.map(({ pid }) => pid))})`
}

/** The processes that the same launcher has started on this machine. */
function ranksBeside(processes: string, self: number): readonly Found[] {
  const all = new Map(readdirSync(processes).flatMap((name) => (/^\d+$/.test(name) ? [[Number(name), found(processes, Number(name))] as const] : [])))
  const launcherOf = (pid: number): number => {
    const one = all.get(pid)
    return one?.launch === undefined ? pid : launcherOf(one.parent)
  }
  const own = launcherOf(self)
  return [...all.values()].filter((one): one is Found => one?.launch !== undefined && launcherOf(one.pid) === own)
}

/** Undefined for a process that has gone, or is another user's. */
function found(processes: string, pid: number): Found | undefined {
  const text = (file: string): string => readFileSync(join(processes, String(pid), file), 'utf8')
  try {
    // "7 (name) S 1 ...": the name may hold anything, so that what follows is counted from its end.
    const stat = text('stat')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const variables = Object.fromEntries(
      text('environ')
        .split('\0')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const threads = readdirSync(join(processes, String(pid), 'task'))
    const joining = threads.some((thread) => text(join('task', thread, 'comm')).trim() === whileJoining)
    return { pid, parent: Number(parent), stopped: state === 'T' || state === 't', joining, launch: launchOf(variables) }
  } catch {
    return undefined
  }
}
