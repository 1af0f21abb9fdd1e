// The native readers of files under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer: so many mutated inputs of each, that begin as the files of test/fixtures.
//   node scripts/verify/fuzz.mjs [--count 1000000] [--seed N] [--corpus FOLDER] [READER...]
//   node scripts/verify/fuzz.mjs --ensure     ends with status 1 where there is no Clang, and none can be installed
// Needs Clang, which it installs as the build does its packages. What libFuzzer found to reach new code stays in the folder of --corpus, if one is given.
// libjpeg-turbo, libpng and libwebp are the system's, without sanitizers: what they do to memory is seen where it is this library's.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensure, FUZZ_PACKAGES } from '../support/debian.mjs'
import { main, output, run, Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'
import { verdict } from './common.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)
const BUILD = 'build-fuzz'
/** Of one input, in seconds by the clock: this process may be stopped for a while. */
const longest = 300
/** Of the process. */
const mostMegabytes = 1024
const mostBytes = 8192

const fixtures = filesUnder(root, 'test/fixtures')
const ending = (pattern) => fixtures.filter((file) => pattern.test(file)).map((file) => ({ file }))
const pnm = ['P6\n3 2\n255\n012345678901234567', 'P5 #c\n3 2 255\n012345'].map((text) => ({ bytes: Buffer.from(text) }))

/** What tar writes before the contents of a file, and their length. */
function tarSeeds() {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-tar-'))
  const contents = Buffer.from('contents')
  const names = ['1.png', `${'a-folder-with-a-long-name/'.repeat(8)}1.png`]
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), contents)
  }
  const made = ['gnu', 'pax', 'v7', 'ustar'].flatMap((format) =>
    names.slice(0, format === 'v7' ? 1 : 2).map((name) => {
      const tar = execFileSync('tar', [`--format=${format}`, '-cf', '-', '-C', folder, name])
      return Buffer.concat([tar.subarray(0, tar.indexOf(contents)), Buffer.of(contents.length)])
    }),
  )
  rmSync(folder, { recursive: true })
  return made
}

/** Of each reader, what its inputs begin as. */
const seeds = {
  jpeg: ending(/\.jpg$/),
  png: ending(/\.png$/),
  webp: ending(/\.webp$/),
  pnm,
  exif: ending(/\.(jpg|webp)$/),
  tar: tarSeeds().map((bytes) => ({ bytes })),
}

function build() {
  const generator = output('ninja', ['--version']) === undefined ? [] : ['-G', 'Ninja']
  const settings = [
    'CMAKE_CXX_COMPILER=clang++',
    'CMAKE_BUILD_TYPE=RelWithDebInfo',
    'CMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g',
    'PRERESNET_SANITIZE=fuzzer-no-link,address,undefined',
    'PRERESNET_FUZZ=ON',
  ]
  run('cmake', ['-S', '.', '-B', BUILD, ...generator, ...settings.map((setting) => `-D${setting}`)], { stdio: ['ignore', 2, 2] })
  run('cmake', ['--build', BUILD, '--target', 'fuzz_readers', '--parallel', String(cpus().length)], { stdio: ['ignore', 2, 2] })
  return join(root, BUILD, 'fuzz_readers')
}

/** One reader, as libFuzzer counted at its end. */
function tried(program, reader, { count, seed, corpus }) {
  const [from, kept, found] = ['seeds', 'corpus', 'found'].map((name) => join(corpus, reader, name))
  for (const folder of [from, kept, found]) mkdirSync(folder, { recursive: true })
  for (const [index, { file, bytes }] of seeds[reader].entries()) {
    if (file === undefined) writeFileSync(join(from, String(index)), bytes)
    else cpSync(file, join(from, String(index)))
  }
  const settings = {
    runs: count,
    seed,
    max_len: mostBytes,
    timeout: longest,
    rss_limit_mb: mostMegabytes,
    print_final_stats: 1,
    artifact_prefix: `${found}/`,
  }
  const words = [...Object.entries(settings).map(([name, value]) => `-${name}=${value}`), kept, from]
  const { status, stderr } = spawnSync(program, words, { env: { ...process.env, PRERESNET_READER: reader }, encoding: 'utf8', maxBuffer: 1 << 28 })
  const statistic = (name) => Number(new RegExp(`^stat::${name}:\\s+(\\d+)$`, 'm').exec(stderr)?.[1])
  const covered = [...stderr.matchAll(/ cov: (\d+) /g)].at(-1)
  const result = {
    reader,
    inputs: statistic('number_of_executed_units'),
    branches: Number(covered?.[1]),
    slowestSeconds: statistic('slowest_unit_time_sec'),
    peakMegabytes: statistic('peak_rss_mb'),
  }
  const passed = status === 0 && result.inputs >= count
  if (!passed) console.error(stderr.slice(-6000))
  return { ...result, passed }
}

await main('fuzz', () => {
  const { values, positionals } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      corpus: { type: 'string' },
      ensure: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const unknown = positionals.find((name) => !(name in seeds))
  if (unknown !== undefined) throw new Stop(`expected readers out of ${Object.keys(seeds).join(', ')}, got ${unknown}`)
  ensure(FUZZ_PACKAGES)
  if (values.ensure) return
  const program = build()
  const corpus = values.corpus === undefined ? mkdtempSync(join(tmpdir(), 'preresnet-fuzz-')) : resolve(values.corpus)
  const results = (positionals.length > 0 ? positionals : Object.keys(seeds)).map((reader) => {
    const result = tried(program, reader, { count: Number(values.count), seed: values.seed, corpus })
    console.error(JSON.stringify(result))
    return result
  })
  const passed = results.every((result) => result.passed)
  // What ended a reader stays.
  if (passed && values.corpus === undefined) rmSync(corpus, { recursive: true, force: true })
  else console.error(`inputs are in ${corpus}`)
  verdict({ check: 'mutated files under sanitizers', seed: Number(values.seed), results, passed })
})
