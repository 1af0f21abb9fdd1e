/** How a process becomes one of the ranks of a run. */
import { PreresnetError } from '../errors.js'
import { loadBinding, mpiFile } from '../native/load.js'
import type { NativeRanks, RanksDescription } from '../native/types.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { absentRanks } from './absent.js'
import { launchOf, type Launch } from './launch.js'
import { ranksOptions, type RanksOptions } from './options.js'
import { JoinedRanks } from './joined.js'
import { alone, type Ranks } from './ranks.js'

/**
 * Joins the ranks of a run, as the launcher's variables say: mpirun, srun. A process that nobody started as one of several is alone. MPI can be joined once in
 * a process; `leave()` ends it.
 * @param options - What carries the bytes, and how long a silent or a missing rank is waited for.
 * @throws ERR_OPTION where an option is unknown, or half of a launcher's variables are set.
 * @throws ERR_RANK where not all ranks have joined in time. MPI cannot be left then: the process has to end.
 * @throws ERR_DEVICE where the MPI library is missing, is not the launcher's, or cannot be started.
 */
export async function joinRanks(options: RanksOptions = {}): Promise<Ranks> {
  const { engine, rankTimeout, startTimeout } = withDefaults(ranksOptions, checkOptions('joinRanks', ranksOptions, options))
  const launch = engine === 'none' ? undefined : launchOf(process.env)
  if (engine === 'none' || (engine === 'auto' && (launch?.ranks ?? 1) === 1)) return alone
  if (launch?.mpi === false) throw notOfMpi(launch)
  const milliseconds = { silence: rankTimeout * 1000, startTimeout: startTimeout * 1000 }
  const ranks = new JoinedRanks(await opened(launch, { library: mpiFile(), ...milliseconds }))
  const problem = launch && disagreement(launch, ranks)
  if (problem === undefined) return ranks
  // An MPI that is not the launcher's takes this process for its only rank, so this waits for nobody.
  await ranks.leave()
  throw problem
}

/** @internal Says of ranks that have not come in time which they are. */
export async function opened(launch: Launch | undefined, description: RanksDescription): Promise<NativeRanks> {
  try {
    return await loadBinding().openRanks(description)
  } catch (error) {
    if (!(error instanceof PreresnetError) || error.code !== 'ERR_RANK') throw error
    throw new PreresnetError(error.code, `${error.message}: ${absentRanks(launch)}`, { cause: error })
  }
}

function notOfMpi({ launcher, ranks }: Launch): PreresnetError {
  return new PreresnetError(
    'ERR_DEVICE',
    `${launcher} started ${ranks} processes that MPI does not know, and between CPUs ranks speak MPI; start them by mpirun or srun, or train alone (engine "none")`,
  )
}

function disagreement({ launcher, rank, ranks }: Launch, found: Ranks): PreresnetError | undefined {
  if (rank === found.rank && ranks === found.size) return undefined
  return new PreresnetError(
    'ERR_DEVICE',
    `${launcher} started rank ${rank} of ${ranks}, but ${found.engine} found rank ${found.rank} of ${found.size}: it is not the MPI that started this process; ` +
      `start it by the mpirun of that MPI, or build for the other one: npx preresnet build --mpi`,
  )
}
