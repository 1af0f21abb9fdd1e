/** Who holds a lock, and whether one can tell from here that it has ended. */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface Holder {
  readonly pid: number
  /** In ticks since the machine was started: another process may have the same number later. */
  readonly started: string
  readonly host: string
  /** Of the installation: it stays when the machine is started again. Null here and below: not to be seen. */
  readonly machine: string | null
  readonly boot: string | null
  /** Process numbers: containers have their own. */
  readonly space: string | null
  /** Tells the locks of one process apart. */
  readonly id: string
}

export function thisProcess(): Holder {
  return {
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    host: hostname(),
    machine: known(() => readFileSync('/etc/machine-id', 'utf8').trim()),
    boot: known(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: known(() => readlinkSync('/proc/self/ns/pid')),
    id: randomUUID(),
  }
}

export function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null
    return Number.isSafeInteger(holder?.pid) && typeof holder?.host === 'string' && holder.boot !== undefined ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

/** Whether the process still lives; undefined where that cannot be seen from this one. */
export function lives(holder: Holder, self: Holder): boolean | undefined {
  if (sharesProcesses(holder, self)) return isAlive(holder)
  return isOfEarlierBoot(holder, self) ? false : undefined
}

export function sharesProcesses(a: Holder, b: Holder): boolean {
  if (a.boot !== b.boot || a.space !== b.space) return false
  return (a.boot !== null && a.space !== null) || a.host === b.host
}

/** Machines that were copied from one image have one number, but each its name. */
function isOfEarlierBoot(holder: Holder, self: Holder): boolean {
  const same = holder.machine !== null && holder.machine === self.machine && holder.host === self.host
  return same && holder.boot !== null && self.boot !== null && holder.boot !== self.boot
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(pid)
  // Processes of other users may be hidden.
  return now === undefined || now === started
}

/** Field 22 of /proc/PID/stat; '' of a process that has ended and was not waited for; undefined where it cannot be seen. */
function startOf(pid: number): string | undefined {
  const line = known(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (line === null) return undefined
  // The name before may hold anything, parentheses too.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? '' : fields[19]
}

/** Sandboxes do without some of these files, and images have empty ones. */
function known(read: () => string): string | null {
  try {
    return read() || null
  } catch {
    return null
  }
}
