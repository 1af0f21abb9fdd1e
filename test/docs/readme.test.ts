/** Code and command lines of the README, of docs/ and of comments: the code is that of examples/, which the compiler checks, and the parser knows the command lines. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Command } from 'commander'
import { addCommand } from '../../lib/cli/command.js'
import { commands } from '../../lib/cli/commands.js'

const root = join(import.meta.dirname, '../../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const filesOf = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : []))]
const examples = filesOf('examples', '.ts').map(read)

test('each TypeScript block of a page is an example', (t) => {
  const blocks = pages.flatMap((page) => [...read(page).matchAll(/^```(?:ts|typescript|js|javascript)\n([\s\S]*?)^```$/gm)].map((match) => match[1]!))
  t.true(blocks.length >= 5)
  for (const block of blocks) t.true(examples.includes(block), block)
})

test('each @example of a comment is within an example', (t) => {
  const found = filesOf('lib', '.ts').flatMap((file) => [...read(file).matchAll(/^( *) \* @example ?([\s\S]*?)(?=\n\1 \* @|\n\1 \*\/)/gm)])
  const codes = found.map(([, indent, code]) => code!.replaceAll(`\n${indent!} * `, '\n').trim())
  t.true(codes.length >= 3)
  for (const code of codes)
    t.true(
      examples.some((example) => example.includes(code)),
      code,
    )
})

/** The words of each `preresnet ...` that a page shows, in a block or within a sentence, up to a pipe or a comment. */
function commandLines(page: string): string[][] {
  const text = read(page)
  // Every fence in its turn, or the end of one block would begin another.
  const fenced = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].filter(([, language]) => ['', 'sh', 'bash'].includes(language!))
  const blocks = fenced.flatMap((match) => match[2]!.split('\n'))
  const spans = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
  const lines = [...blocks, ...spans].flatMap((line) => /^(?:npx )?preresnet ([a-z][^|#]*)/.exec(line.trim())?.[1] ?? [])
  return lines.map((line) => line.trim().split(/\s+/))
}

const parsed = async (words: readonly string[]): Promise<void> => {
  const program = new Command('preresnet').exitOverride().configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: () => {} })
  // Everything but the run: flags, their values, and the number of arguments.
  for (const command of commands) addCommand(program, { ...command, run: () => Promise.resolve(0) }, () => {})
  await program.parseAsync(words, { from: 'user' })
}

test('the parser takes each command line of a page', async (t) => {
  const lines = pages.flatMap((page) => commandLines(page).map((words) => ({ page, words })))
  t.true(lines.filter(({ page }) => page === 'README.md').length >= 10)
  const names = commands.map(({ name }) => name.split(' ')[0]!)
  // A command is also named alone, without what it needs.
  for (const { page, words } of lines.filter(({ words: all }) => all.length > 1)) await t.notThrowsAsync(parsed(words), `${page}: preresnet ${words.join(' ')}`)
  t.deepEqual(
    lines.filter(({ words }) => !names.includes(words[0]!)),
    [],
  )
})

test('each file of examples/launching stands in docs/ranks.md, and the parser takes its command lines', async (t) => {
  const files = ['mpirun.sh', 'slurm.sbatch', 'torchrun.sh', 'kubernetes.yaml'].map((name) => join('examples/launching', name))
  t.deepEqual(files.sort(), filesOf('examples/launching', '').sort())
  const page = read('docs/ranks.md')
  for (const file of files) {
    const text = read(file)
    t.true(page.includes(text), file)
    const lines = [...text.matchAll(/npx,? preresnet,? ((?:train|doctor)[^\]\n]*)/g)].map((match) => match[1]!.replaceAll(/,(?= )|'/g, ''))
    t.true(lines.length > 0, file)
    for (const line of lines) await t.notThrowsAsync(parsed(line.trim().split(/\s+/)), line)
  }
})

test('the parser takes each command line of the help', async (t) => {
  for (const { examples: lines } of commands) for (const [line] of lines) await t.notThrowsAsync(parsed(line.replace(/ --config \S+/, '').split(' ')), line)
})

test('each npm script that a page names is there', (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = pages.flatMap((page) => [...read(page).matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map((match) => match[1]!))
  t.true(named.length >= 10)
  t.deepEqual(
    named.filter((name) => scripts[name] === undefined),
    [],
  )
})
