/** The check of public comments says of each part that it is missing, and nothing of comments that have all. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/folder.js'

const root = join(import.meta.dirname, '../../..')
const { publicNames } = (await import(join(root, 'scripts/comments/names.mjs'))) as { publicNames: (folder: string) => { names: object[]; program: object } }
const { complaints } = (await import(join(root, 'scripts/comments/rules.mjs'))) as { complaints: (name: object, program: object) => string[] }

const errors = `
/** Every error has a code. */
export class PreresnetError extends Error {
  constructor(
    /** The code says what went wrong. */
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message)
  }
}
/** The codes are names. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]
/** These are the codes. */
export const ErrorCode = {
  /** A wrong option is refused. */
  ERR_OPTION: 'ERR_OPTION',
  /** A file that is wrong is refused. */
  ERR_FILE: 'ERR_FILE',
} as const
`

/** What the check says of a package whose only public name is in this text; the places in the file left out. */
async function said(t: ExecutionContext, text: string): Promise<string[]> {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'lib'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ exports: { '.': { types: './dist/lib/index.d.ts' } } }))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', types: [] } }))
  await writeFile(join(folder, 'lib/errors.ts'), errors)
  await writeFile(join(folder, 'lib/index.ts'), `import { PreresnetError } from './errors.js'\n${text}\nexport type Raised = PreresnetError`)
  const { names, program } = publicNames(folder)
  const all = names.flatMap((name) => complaints(name, program))
  return all.filter((line) => !line.includes(' Raised: ')).map((line) => line.replace(/^[^ ]+ /, ''))
}

const lacking: readonly (readonly [comment: string, declaration: string, complaint: string])[] = [
  ['', 'interface Bare {}', 'Bare: expected a comment'],
  ['the side is long.', 'interface Small {}', 'Small: expected a comment that begins with a capital letter'],
  ['The side is long', 'interface Endless {}', 'Endless: expected a comment that ends with a period'],
  ['The long side.', 'interface Verbless {}', 'Verbless: expected a comment with a verb: a whole sentence'],
  ['The colour is red.', 'interface British {}', 'British: expected American spelling, got "colour"'],
  ['The side is at least 1.', 'const unitless: number = 1', 'unitless: expected the unit in the comment, or what is counted'],
  ['The side is in pixels.', 'const boundless: number = 1', 'boundless: expected the range in the comment, such as "at least 0"'],
  ['The labels are indices.', 'const shapeless = new Int32Array(3)', 'shapeless: expected the shape in the comment, such as [samples, classes]'],
  ['Gives the name.', 'function silent(of: string): string { return of }', 'silent: expected @param of'],
  [
    'Gives the name.\n * @param of - the thing.',
    'function brief(of: string): string { return of }',
    'brief: expected @param of that begins with a capital letter and ends with a period',
  ],
  [
    'Refuses.',
    "function refuse(): void { inner() }\nfunction inner(): void { throw new PreresnetError('ERR_OPTION', 'no') }",
    'refuse: expected @throws with its codes, among ERR_OPTION',
  ],
  ['Refuses.\n * @throws ERR_OTHER where it is.', 'function mistaken(): void {}', 'mistaken: expected @throws with codes of lib/errors.ts, got ERR_OTHER'],
  ['These are options.', 'interface Free {\n/** Whether it is long. */\nlong?: boolean }', 'Free.long: expected @default, or when it is absent'],
  ['Makes x itself.', 'function identity(): void {}', 'identity: expected the section, table or figure of the paper'],
]

test('says of each part that it is missing', async (t) => {
  const text = lacking.map(([comment, declaration]) => `${comment === '' ? '' : `/**\n * ${comment}\n */`}\nexport ${declaration}`)
  t.deepEqual((await said(t, text.join('\n'))).sort(), lacking.map(([, , complaint]) => complaint).sort())
})

test('says nothing of comments that have all parts', async (t) => {
  const text = `
/** The options are these. */
export interface Options {
  /** The side is from 1 to 10 pixels. @default 3 */
  readonly side?: number
  /** The kind needs no words. */
  readonly kind: 'one'
  /** @internal */
  readonly hidden: number
}
/**
 * Makes x itself (Section 2).
 * @param options - The side, in pixels, is in them.
 * @returns The labels, [samples].
 * @throws ERR_OPTION where an option is wrong.
 */
export function identity(options: Options): Int32Array {
  throw new PreresnetError('ERR_OPTION', String(options))
}`
  t.deepEqual(await said(t, text), [])
})
