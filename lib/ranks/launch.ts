/** Who started this process as one of several, by the variables of the environment. */
import { PreresnetError } from '../errors.js'

/** How a launcher tells each process which one it is. */
interface Launcher {
  readonly name: string
  readonly rank: string
  readonly ranks: string
  readonly local: string
  /** Whether the processes that it starts can join MPI. */
  readonly mpi: boolean
  /** The launcher is meant only where all of these variables are set. */
  readonly beside?: readonly string[]
  /** The launcher is not meant where this variable is set. */
  readonly unless?: string
  /** The launcher is meant only with such a number of ranks. */
  readonly only?: (ranks: number) => boolean
}

/**
 * The first that is meant counts; docs/ranks.md has them as a table. Slurm stands last: within an allocation its variables are there for every process, also for those that another launcher starts.
 * A batch script has no step, and an interactive shell is a step of one task.
 */
const launchers: readonly Launcher[] = [
  {
    name: 'Kubernetes',
    rank: 'JOB_COMPLETION_INDEX',
    ranks: 'WORLD_SIZE',
    local: 'LOCAL_RANK',
    mpi: false,
    beside: ['JOB_COMPLETION_INDEX', 'WORLD_SIZE'],
    // Where RANK is set too, processes are counted by it, as torchrun does, and not by the index of the job.
    unless: 'RANK',
  },
  { name: 'torchrun', rank: 'RANK', ranks: 'WORLD_SIZE', local: 'LOCAL_RANK', mpi: false },
  { name: 'Open MPI', rank: 'OMPI_COMM_WORLD_RANK', ranks: 'OMPI_COMM_WORLD_SIZE', local: 'OMPI_COMM_WORLD_LOCAL_RANK', mpi: true },
  { name: 'PMI', rank: 'PMI_RANK', ranks: 'PMI_SIZE', local: 'MPI_LOCALRANKID', mpi: true },
  {
    name: 'Slurm',
    rank: 'SLURM_PROCID',
    ranks: 'SLURM_NTASKS',
    local: 'SLURM_LOCALID',
    mpi: true,
    beside: ['SLURM_STEP_ID', 'SLURM_PROCID', 'SLURM_NTASKS'],
    only: (ranks) => ranks > 1,
  },
]

/** Which process this is, and who says so. */
export interface Launch {
  readonly launcher: string
  readonly mpi: boolean
  readonly rank: number
  readonly ranks: number
  /** Among the processes of this machine, where that is known. */
  readonly local: number | undefined
}

/** Which of the processes of this machine this is, also where the launcher's variables are not whole; undefined where nothing says it. */
export function placeOf(environment: Environment): number | undefined {
  const texts = launchers.map(({ local }) => environment[local])
  const found = texts.find((text) => text !== undefined && /^\d+$/.test(text))
  return found === undefined ? undefined : Number(found)
}

type Environment = Readonly<Record<string, string | undefined>>

/** Undefined where nothing says that there are several. ERR_OPTION for half of what a launcher sets. */
export function launchOf(environment: Environment): Launch | undefined {
  for (const launcher of launchers) {
    const { name, mpi, beside, unless, only } = launcher
    if (beside?.some((variable) => environment[variable] === undefined) === true) continue
    if (unless !== undefined && environment[unless] !== undefined) continue
    const [rank, ranks] = [launcher.rank, launcher.ranks].map((variable) => environment[variable])
    if (rank === undefined && ranks === undefined) continue
    if (rank === undefined || ranks === undefined) {
      const [there, missing] = rank === undefined ? [launcher.ranks, launcher.rank] : [launcher.rank, launcher.ranks]
      throw new PreresnetError('ERR_OPTION', `environment: ${there} is set and ${missing} is not; expected both, as ${name} sets them, or neither`)
    }
    const all = whole(launcher.ranks, ranks, 1)
    if (only?.(all) === false) continue
    const own = whole(launcher.rank, rank, 0)
    if (own >= all) throw new PreresnetError('ERR_OPTION', `environment: ${launcher.rank}: expected less than ${launcher.ranks} (${all}), got ${own}`)
    const local = environment[launcher.local]
    return { launcher: name, mpi, rank: own, ranks: all, local: local === undefined ? undefined : whole(launcher.local, local, 0) }
  }
  return undefined
}

function whole(variable: string, text: string, least: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least) return value
  throw new PreresnetError('ERR_OPTION', `environment: ${variable}: expected an integer of at least ${least}, got ${JSON.stringify(text)}`)
}
