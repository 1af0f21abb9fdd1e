/** Locks of versions before the kernel's: such a run holds its directory by a file that names its process, and that it touches every five seconds. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** In milliseconds: 2.4 of those beats, after which earlier versions took over the lock of a process that they could not see. */
const silence = 12_000

/** What such a file may hold. */
interface EarlierHolder {
  readonly pid: number
  readonly host: string
  /** In ticks since the machine was started; locks of the kernel have none. */
  readonly started?: string
  readonly boot?: string | null
  /** Of process numbers: containers have their own. */
  readonly space?: string | null
}

/** Whether such a run may still work there, by its process where it can be seen from here, else by when it last touched the file. */
export function holdsWithoutKernel(holder: EarlierHolder, touched: number): boolean {
  if (holder.started === undefined) return false
  return isSeen(holder) ? lives(holder) : Date.now() - touched < silence
}

function isSeen({ host, boot, space }: EarlierHolder): boolean {
  const [ownBoot, ownSpace] = [known(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()), known(() => readlinkSync('/proc/self/ns/pid'))]
  if (boot !== ownBoot || space !== ownSpace) return false
  return (ownBoot !== null && ownSpace !== null) || host === hostname()
}

function lives({ pid, started }: EarlierHolder): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const line = known(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // Processes of other users may be hidden.
  if (line === null) return true
  // From the third field on: the second, a name, may hold anything, parentheses too. The 22nd is when the process was started.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return fields[0] !== 'Z' && fields[19] === started
}

/** Null where it cannot be seen, as earlier versions wrote it: sandboxes do without some of these files, and images have empty ones. */
function known(read: () => string): string | null {
  try {
    return read() || null
  } catch {
    return null
  }
}
