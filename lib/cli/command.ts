/** What a command file says about itself, and how it becomes a command of the parser. */
import { Command, Option } from 'commander'
import { optionName, resolveOptions } from './config.js'
import { directly, emulatedDevice } from './emulated.js'
import type { OptionSpecs, ValuesOf } from './option_spec.js'
import { flagOption } from './option_spec.js'

export interface CommandSpec<S extends OptionSpecs> {
  readonly name: string
  readonly summary: string
  /** As the parser writes them: `<name>` is needed, `[name]` not, `<images...>` several. */
  readonly arguments?: readonly (readonly [syntax: string, help: string])[]
  readonly options: S
  /** Whether our tests may give it the emulated GPU as its device. */
  readonly emulates?: boolean
  /** Command lines, without the program's name. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** `--json` is in every command's values. Resolves with the exit status. */
  readonly run: (values: ValuesOf<S> & { readonly json: boolean }, args: readonly (string | readonly string[] | undefined)[]) => Promise<number>
}

const common = { json: flagOption('print the result as one JSON document', false) }

export function addCommand<S extends OptionSpecs>(program: Command, spec: CommandSpec<S>, done: (status: number) => void): void {
  const specs = { ...common, ...spec.options }
  const command = program.command(spec.name).description(spec.summary)
  for (const [syntax, help] of spec.arguments ?? []) command.argument(syntax, help)
  for (const [key, option] of Object.entries(specs)) addOption(command, key, option)
  command.addOption(new Option('--config <file>', 'read options from a JSON file, by the same names; the command line wins'))
  command.addHelpText('after', `\nExamples:\n${spec.examples.map(([line, what]) => `  $ preresnet ${line}\n      ${what}`).join('\n')}`)
  command.action(async (...parts: unknown[]) => {
    const { given, within } = spec.emulates === true ? emulatedDevice(command.opts()) : { given: command.opts(), within: directly }
    const values = await resolveOptions(specs, given)
    const args = parts.slice(0, spec.arguments?.length ?? 0) as (string | readonly string[] | undefined)[]
    done(await within(() => spec.run(values as unknown as ValuesOf<S> & { readonly json: boolean }, args)))
  })
}

function addOption(command: Command, key: string, spec: OptionSpecs[string]): void {
  const name = optionName(key)
  const usual = typeof spec.fallback === 'string' || typeof spec.fallback === 'number' ? ` (default: ${spec.fallback})` : ''
  if (spec.metavar !== null) {
    command.addOption(new Option(`--${name} <${spec.metavar}>`, spec.help + usual))
    return
  }
  const on = new Option(`--${name}`, spec.help)
  const off = new Option(`--no-${name}`, spec.help)
  // Both exist, so that the command line can overrule a file either way; help shows the one that changes something.
  if (spec.fallback === true) on.hideHelp()
  if (spec.fallback === false) off.hideHelp()
  command.addOption(on).addOption(off)
}
