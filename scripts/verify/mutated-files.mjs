// Files of weights and of data with a few bytes changed, in every format: each is read as it should be, or refused by one clear error that names the file.
//   node scripts/verify/mutated-files.mjs [--count 100000] [--seed N] [FORMAT...]
// Runs in this process: a crash, an allocation of what a file only claims to have, or a file that takes long ends the check. A reader that never ends is killed after ten minutes,
// which also count while the system has stopped the process; its file is left where it is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PreresnetError } from '../../dist/lib/index.js'
import { Random } from '../../dist/test/support/random.js'
import { main, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { data } from './mutated/data.mjs'
import { Mutator } from './mutated/mutator.mjs'
import { watchReaders } from './mutated/watch.mjs'
import { weights } from './mutated/weights.mjs'

/**
 * Of each format: `bytes` of a good file, made in a folder; `described`, the bytes that say what the others are; `mend`, which makes right what no change would leave
 * so; `read`, and the `codes` of its errors; `begins`, how these begin if not with the path.
 */
const formats = { ...weights, ...data }

/** Of one file, in milliseconds of processor time: a claim of sizes that is believed takes longer. */
const longest = 5000
/** Of one file, in milliseconds that pass: as long as the system may stop this process for others. */
const mostPatience = 600_000
/** Of this process: the files have less than a megabyte each. */
const mostBytes = 1 << 30
const mostShown = 5

/** What came of a file: 'read', a code, or what is wrong. */
async function outcome({ read, codes, begins = (path) => path, throwsRangeErrors = false }, path) {
  try {
    await read(path)
    return 'read'
  } catch (error) {
    if (!(error instanceof PreresnetError)) return { wrong: `not an error of ours: ${error.stack}` }
    if (!codes.includes(error.code)) return { wrong: `code ${error.code}: ${error.message}` }
    // eslint-disable-next-line no-control-regex
    if (!error.message.startsWith(begins(path)) || error.message.length > 2000 || /[\x00-\x1f]/.test(error.message))
      return { wrong: `not one clear line: ${JSON.stringify(error.message)}` }
    const { cause } = error
    // Text that is not UTF-8, or not JSON, is found by reading it; anything else of this kind was not foreseen.
    const accident = (cause instanceof RangeError && !throwsRangeErrors) || (cause instanceof TypeError && cause.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA')
    if (accident) return { wrong: `refused by accident: ${cause.stack}` }
    return error.code
  }
}

function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function check(name, { count, seed, folder, fileWasRead }) {
  const format = formats[name]
  const bytes = Buffer.from(await format.bytes(folder))
  const mutator = new Mutator(new Random(seed), bytes, format.described(bytes))
  const path = join(folder, `mutated.${name}`)
  const result = { format: name, bytes: bytes.length, files: count, read: 0, refused: 0, wrong: 0 }
  writeFileSync(path, bytes)
  const unchanged = await outcome(format, path)
  if (unchanged !== 'read') throw new Error(`${name}: the file without a change is not read: ${JSON.stringify(unchanged)}`)
  let slowest = 0
  for (let file = 0; file < count; file++) {
    const mutated = mutator.file()
    // Some stay as the change left them.
    if (file % 8 !== 0) format.mend?.(mutated)
    writeFileSync(path, mutated)
    const begin = processorTime()
    const came = await outcome(format, path)
    slowest = Math.max(slowest, processorTime() - begin)
    fileWasRead()
    if (came === 'read') result.read++
    else if (typeof came === 'string') result.refused++
    else {
      result.wrong++
      if (result.wrong <= mostShown) console.error(`${name}, file ${file}: ${came.wrong}`)
      if (result.wrong === 1) writeFileSync(join(tmpdir(), `preresnet-wrong.${name}`), mutated)
    }
  }
  const peak = process.resourceUsage().maxRSS * 1024
  const passed = result.wrong === 0 && result.refused > 0 && slowest < longest && peak < mostBytes
  return { ...result, slowestMilliseconds: Math.round(slowest), peakBytes: peak, passed }
}

await main('mutated-files', async () => {
  const { values, positionals } = parseArgs({
    options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
    allowPositionals: true,
  })
  const unknown = positionals.find((name) => !(name in formats))
  if (unknown !== undefined) throw new Stop(`expected formats out of ${Object.keys(formats).join(', ')}, got ${unknown}`)
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-mutated-'))
  const results = []
  const fileWasRead = watchReaders(mostPatience)
  try {
    for (const name of positionals.length > 0 ? positionals : Object.keys(formats)) {
      results.push(await check(name, { count: Number(values.count), seed: Number(values.seed), folder, fileWasRead }))
      console.error(JSON.stringify(results.at(-1)))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  verdict({ check: 'mutated files of weights and data', seed: Number(values.seed), results, passed: results.every(({ passed }) => passed) })
})
