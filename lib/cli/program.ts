/** The parser: all commands, one handler for their errors. */
import { Command } from 'commander'
import { packageVersion } from '../package.js'
import { addCommand } from './command.js'
import { commands } from './commands.js'
import { runTogether } from './failure.js'

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
  for (const command of commands) addCommand(program, command, done)
  if (commands.some(({ name, together }) => together === true && name === words[0])) runTogether()
  await program.parseAsync(words, { from: 'user' })
  return status
}
