/** What a command file says about itself, and how it becomes a command of the parser. */
import { Command, Option as Flag } from 'commander'
import { flagOption, groups, usually, type Option, type Table, type ValuesOf } from '../options/spec.js'
import { optionName, resolveOptions, type Underneath } from './config.js'
import { directly, emulatedDevice } from './emulated.js'
import type { Document } from './json/document.js'

export interface CommandSpec<S extends Table> {
  /** One word, or two: `bench data`. */
  readonly name: string
  readonly summary: string
  /** As the parser writes them: `<name>` is needed, `[name]` not, `<images...>` several. */
  readonly arguments?: readonly (readonly [syntax: string, help: string])[]
  readonly options: S
  /** What `--json` prints. */
  readonly json: Document
  /** Whether our tests may give it the emulated GPU as its device. */
  readonly emulates?: boolean
  /** Whether the processes that a launcher starts are one run, so that a wrong option is said once. */
  readonly together?: boolean
  /** Command lines, without the program's name. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** What stands under the values that were given, as a preset. */
  readonly underneath?: Underneath
  /** `--json` is in every command's values. Resolves with the exit status. */
  run(values: ValuesOf<S> & { readonly json: boolean }, args: readonly (string | readonly string[] | undefined)[]): Promise<number>
}

/** Some command: the options that it reads are its own concern. */
export type AnyCommand = Omit<CommandSpec<Table>, 'run'> & { run(values: never, args: readonly (string | readonly string[] | undefined)[]): Promise<number> }

/** Of every command. */
export const commonOptions = { json: flagOption({ group: 'Command', help: 'print the result as one JSON document', fallback: false }) }

export function addCommand(program: Command, spec: AnyCommand, done: (status: number) => void): void {
  const specs: Table = { ...commonOptions, ...spec.options }
  const command = parentOf(program, spec).command(spec.name.split(' ').at(-1)!).description(spec.summary)
  for (const [syntax, help] of spec.arguments ?? []) command.argument(syntax, help)
  for (const heading of groups) for (const [key, option] of Object.entries<Option>(specs)) if (option.group === heading) addOption(command, key, option)
  command.addOption(new Flag('--config <file>', 'read options from a JSON file, by the same names; the command line wins').helpGroup('Command:'))
  command.addHelpOption(new Flag('-h, --help', 'display help for command').helpGroup('Command:'))
  command.addHelpText('after', `\nExamples:\n${spec.examples.map(([line, what]) => `  $ preresnet ${line}\n      ${what}`).join('\n')}`)
  command.action(async (...parts: unknown[]) => {
    const { given, within } = spec.emulates === true ? emulatedDevice(command.opts()) : { given: command.opts(), within: directly }
    const values = await resolveOptions(specs, given, spec.underneath)
    const args = parts.slice(0, spec.arguments?.length ?? 0) as (string | readonly string[] | undefined)[]
    done(await within(() => spec.run(values as never, args)))
  })
}

/** A command of two words stands under the first, which may be a command itself, or only a heading. */
function parentOf(program: Command, { name }: AnyCommand): Command {
  const above = name.split(' ').slice(0, -1)
  // Else options that both have would be those of the first word, wherever they stand.
  if (above.length > 0) program.enablePositionalOptions()
  return above.reduce((parent, word) => {
    const found = parent.commands.find((command) => command.name() === word) ?? parent.command(word).description(`two words, as in \`preresnet ${name}\``)
    return found.enablePositionalOptions()
  }, program)
}

function addOption(command: Command, key: string, option: Option): void {
  const { metavar } = option.flag!
  const name = optionName(key)
  if (metavar !== null) {
    command.addOption(new Flag(`--${name} <${metavar}>`, helpOf(option)).helpGroup(`${option.group}:`))
    return
  }
  // Both exist, so that the command line can overrule a file either way; help shows the one that changes something, or both where that depends.
  const usual = usually(option)
  const depends = usual !== 'true' && usual !== 'false'
  const on = new Flag(`--${name}`, depends ? helpOf(option) : option.help).helpGroup(`${option.group}:`)
  const off = new Flag(`--no-${name}`, depends ? `the opposite of --${name}` : option.help).helpGroup(`${option.group}:`)
  if (usual === 'true') on.hideHelp()
  if (usual === 'false') off.hideHelp()
  command.addOption(on).addOption(off)
}

function helpOf(option: Option): string {
  const { help, choices, flag } = option
  const listed = choices === undefined || flag!.metavar !== 'name' ? '' : `: ${choices.join(', ')}`
  const usual = usually(option)
  return `${help}${listed}${usual === undefined ? '' : ` (default: ${usual})`}`
}
