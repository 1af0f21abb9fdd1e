/** The parser: all commands, one place for their errors. */
import { Command } from 'commander'
import { packageVersion } from '../package.js'
import { bench } from './bench.js'
import { addCommand } from './command.js'
import { doctor } from './doctor.js'
import { evaluate } from './eval.js'
import { goldens } from './goldens.js'
import { plan } from './plan.js'
import { predict } from './predict.js'
import { quickstart } from './quickstart.js'
import { report } from './report.js'
import { summary } from './summary.js'
import { train } from './train.js'

/** Runs one command line (without node and script) and resolves with its exit status. Rejects with the error. */
export async function commandLine(words: readonly string[]): Promise<number> {
  let status = 0
  const done = (value: number) => {
    status = value
  }
  const program = new Command('preresnet')
    .description('Pre-activation residual networks: train, evaluate, look inside.')
    .version(packageVersion(), '--version', 'print the version')
    .exitOverride()
    // Errors are printed once, by main.ts; help goes where the parser sends it.
    .configureOutput({ outputError: () => {}, writeErr: () => {} })
    .showSuggestionAfterError()
    .addHelpText('after', '\nEvery command: preresnet COMMAND --help')
  addCommand(program, quickstart, done)
  addCommand(program, train, done)
  addCommand(program, evaluate, done)
  addCommand(program, predict, done)
  addCommand(program, summary, done)
  addCommand(program, plan, done)
  addCommand(program, report, done)
  addCommand(program, goldens, done)
  addCommand(program, bench, done)
  addCommand(program, doctor, done)
  await program.parseAsync(words, { from: 'user' })
  return status
}
