/** The options of `joinRanks`. */
import { choiceOption, numberOption, type Given, type Table } from '../options/spec.js'

export const ranksOptions = {
  /**
   * What carries the bytes between ranks; 'auto': MPI where mpirun or srun started several processes, none where nothing says that there are several. Give
   * "auto" or "none" or "mpi".
   * @default auto
   */
  engine: choiceOption({
    group: 'Ranks',
    help: "what carries the bytes between ranks; 'auto': MPI where mpirun or srun started several processes, none where nothing says that there are several",
    choices: ['auto', 'none', 'mpi'],
    fallback: 'auto',
    decides: false,
  }),
  /** A rank that says nothing for so long is taken for dead, and ends the run of all. Give a number of at least 1 (seconds). @default 8 */
  rankTimeout: numberOption({
    group: 'Ranks',
    help: 'a rank that says nothing for so long is taken for dead, and ends the run of all',
    unit: 'seconds',
    minimum: 1,
    fallback: 8,
    decides: false,
  }),
  /**
   * If not all ranks have joined after so long, each of them ends with an error that names the missing ones. Give a number of at least 1 (seconds).
   * @default 60
   */
  startTimeout: numberOption({
    group: 'Ranks',
    help: 'if not all ranks have joined after so long, each of them ends with an error that names the missing ones',
    unit: 'seconds',
    minimum: 1,
    fallback: 60,
    decides: false,
  }),
} satisfies Table

/** The options of `joinRanks` are these. */
export type RanksOptions = Given<typeof ranksOptions>
