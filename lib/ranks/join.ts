/** How a process becomes one of the ranks of a run. */
import { PreresnetError } from '../errors.js'
import { loadBinding, mpiFile } from '../native/load.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { launchOf, type Launch } from './launch.js'
import { ranksOptions, type RanksOptions } from './options.js'
import { JoinedRanks } from './joined.js'
import { alone, type Ranks } from './ranks.js'

/**
 * Joins the ranks of a run, as the launcher's variables say: mpirun, srun. A process that nobody started as one of several is alone. MPI can be joined once in
 * a process; `leave()` ends it.
 * @param options - What carries the bytes, and how long a silent rank is waited for.
 * @throws ERR_OPTION where an option is unknown, or half of a launcher's variables are set.
 * @throws ERR_DEVICE where the MPI library is missing, is not the launcher's, or cannot be started.
 */
export async function joinRanks(options: RanksOptions = {}): Promise<Ranks> {
  const { engine, rankTimeout } = withDefaults(ranksOptions, checkOptions('joinRanks', ranksOptions, options))
  const launch = engine === 'none' ? undefined : launchOf(process.env)
  if (engine === 'none' || (engine === 'auto' && (launch?.ranks ?? 1) === 1)) return alone
  if (launch?.mpi === false) throw notOfMpi(launch)
  const ranks = new JoinedRanks(await loadBinding().openRanks({ library: mpiFile(), silence: rankTimeout * 1000 }))
  const problem = launch && disagreement(launch, ranks)
  if (problem === undefined) return ranks
  // An MPI that is not the launcher's takes this process for its only rank, so this waits for nobody.
  await ranks.leave()
  throw problem
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
