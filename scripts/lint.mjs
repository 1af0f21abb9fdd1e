// ESLint, Prettier, clang-format, comments of public names, and the sizes of files and functions, over the whole repository; with --fix they mend what they can.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main, run, Stop } from './support/run.mjs'
import { tooLong } from './support/sizes.mjs'
import { filesUnder } from './support/stamp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

await main('lint', () => {
  const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } })
  run(process.execPath, ['scripts/setup.mjs', '--lint', '--no-native'])
  const cpp = ['native', 'test/native'].flatMap((folder) => filesUnder(root, folder)).filter((file) => /\.(h|cpp|cu)$/.test(file))
  const checks = {
    eslint: ['node_modules/.bin/eslint', ['--max-warnings', '0', ...(values.fix ? ['--fix'] : []), '.']],
    prettier: ['node_modules/.bin/prettier', ['--log-level', 'warn', values.fix ? '--write' : '--check', '.']],
    comments: [process.execPath, ['scripts/comments.mjs']],
    'clang-format': ['clang-format', [...(values.fix ? ['-i'] : ['--dry-run', '-Werror']), ...cpp]],
  }
  // All of them run, so that one visit shows everything.
  const failed = Object.entries(checks).filter(([, [command, args]]) => !passes(command, args))
  const long = cpp.flatMap(tooLong)
  for (const sentence of long) console.error(sentence)
  if (long.length > 0) failed.push(['sizes'])
  if (failed.length > 0) throw new Stop(`failed: ${failed.map(([name]) => name).join(', ')}`)
})

function passes(command, args) {
  try {
    run(command, args)
    return true
  } catch (error) {
    if (error instanceof Stop) return false
    throw error
  }
}
