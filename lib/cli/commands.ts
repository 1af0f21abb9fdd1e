/** All commands, in the order of the help. */
import { bench } from './bench.js'
import { benchData } from './bench_data.js'
import { build } from './build.js'
import type { AnyCommand } from './command.js'
import { dataIndex } from './data_index.js'
import { dataInspect } from './data_inspect.js'
import { doctor } from './doctor.js'
import { evaluate } from './eval.js'
import { exportCommand } from './export.js'
import { goldens } from './goldens.js'
import { importCommand } from './import.js'
import { packCommand } from './pack.js'
import { plan } from './plan.js'
import { predict } from './predict.js'
import { quickstart } from './quickstart.js'
import { report } from './report.js'
import { reproduce } from './reproduce.js'
import { summary } from './summary.js'
import { train } from './train.js'

export const commands: readonly AnyCommand[] = [
  quickstart,
  train,
  evaluate,
  predict,
  importCommand,
  exportCommand,
  packCommand,
  summary,
  plan,
  report,
  reproduce,
  goldens,
  bench,
  benchData,
  dataInspect,
  dataIndex,
  doctor,
  build,
]
