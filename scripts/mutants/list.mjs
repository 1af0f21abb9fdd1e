// The faults. `search` stands exactly once in `file`; `tests` names the files or folders of test/ that ought to catch it, the rest
// of the suite runs if they do not. `needs`: an instruction set without which the faulty code does not run.
import { augmentationFaults } from './augmentation.mjs'
import { compilerFaults } from './compiler.mjs'
import { cudaFaults } from './cuda.mjs'
import { dataFaults } from './data.mjs'
import { executorFaults } from './executors.mjs'
import { libraryFaults } from './library.mjs'
import { packageFaults } from './packages.mjs'
import { parquetFaults } from './parquet.mjs'
import { rankFaults } from './ranks.mjs'
import { trainingFaults } from './training.mjs'

export const MUTANTS = [
  ...executorFaults,
  ...cudaFaults,
  ...compilerFaults,
  ...dataFaults,
  ...parquetFaults,
  ...augmentationFaults,
  ...trainingFaults,
  ...rankFaults,
  ...libraryFaults,
  ...packageFaults,
]
