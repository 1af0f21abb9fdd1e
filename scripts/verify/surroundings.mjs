// What machines around a run can do to it: a read-only root, control groups, a user without an entry, a clock that jumps backwards, long paths, many classes and files.
//   node scripts/verify/surroundings.mjs [--files 1000000] [TRIAL...]
// Needs root (mount namespaces, control groups, another user). A trial that this machine does not allow is said to be left out, and is no failure.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodePng } from '../../dist/lib/cli/pictures/png.js'
import { main, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const cli = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
/** A few steps of the smallest network; checkpoints are written. */
const small = ['--model', 'preresnet-20', '--batch', '16', '--steps', '4', '--checkpoint-every', '2', '--precision', 'fp32']
const mebibyte = 2 ** 20

const trials = { readOnlyRoot, userWithoutEntry, controlGroup, backwardClock, longPath, manyClasses, manyFiles }

function command(words, options = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(words[0], words.slice(1), { encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  if (error !== undefined) throw error
  return { status: status ?? signal, stdout, stderr }
}

function preresnet(words, options = {}) {
  return command([process.execPath, cli, ...words], options)
}

/** Of a run that should succeed: what it ended with, and the last line of its errors if it did not. */
function outcome({ status, stderr }) {
  return status === 0
    ? { status }
    : {
        status,
        error: stderr
          .replace(/^peak .*\n/m, '')
          .trim()
          .split('\n')
          .at(-1),
      }
}

/** The root and all below it cannot be written, but for the folder of the run; there is no HOME. */
function readOnlyRoot(folder) {
  const output = join(folder, 'run')
  mkdirSync(output)
  const inside = `mount -t tmpfs tmpfs "$0" && mount -o remount,bind,ro / && ! touch /preresnet-trial 2>/dev/null && "$@" && ls "$0/run"`
  const result = command(
    ['unshare', '--mount', 'sh', '-c', inside, output, process.execPath, cli, 'train', '--data', 'digits', ...small, '--output', join(output, 'run')],
    { env: { PATH: process.env.PATH } },
  )
  if (/unshare: .*not permitted|mount: .*(denied|not permitted)/.test(result.stderr)) return { leftOut: result.stderr.trim() }
  return { ok: result.status === 0 && result.stdout.includes('model.safetensors'), ...outcome(result) }
}

/** As in a container with a foreign user: no entry in the list of users, no HOME. Trains, and answers from the model. */
function userWithoutEntry(folder) {
  chmodSync(folder, 0o777)
  const asNobody = { uid: 54321, gid: 54321, cwd: folder, env: { PATH: process.env.PATH } }
  const picture = join(folder, 'picture.png')
  writePicture(picture, 32, 7)
  const output = join(folder, 'run')
  const trained = preresnet(['train', '--data', 'digits', ...small, '--output', output], asNobody)
  const evaluated = preresnet(['eval', join(output, 'model.safetensors'), '--data', 'digits'], asNobody)
  const predicted = preresnet(['predict', join(output, 'model.safetensors'), picture], asNobody)
  return {
    ok: [trained, evaluated, predicted].every(({ status }) => status === 0),
    train: outcome(trained),
    eval: outcome(evaluated),
    predict: outcome(predicted),
  }
}

/** Half a processor and 400 MiB by control groups of version 1: seen by doctor, a network that does not fit is refused before it is allocated, a small one trains. */
function controlGroup(folder) {
  const groups = ['memory', 'cpu'].map((controller) => `/sys/fs/cgroup/${controller}/preresnet-trial`)
  if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) return { leftOut: 'there are no control groups of version 1' }
  try {
    for (const group of groups) mkdirSync(group)
    writeFileSync(`${groups[0]}/memory.limit_in_bytes`, String(400 * mebibyte))
    writeFileSync(`${groups[1]}/cpu.cfs_quota_us`, '50000')
  } catch (error) {
    return { leftOut: error.message }
  }
  try {
    const enter = groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join(' && ')
    const limited = (words) => command(['sh', '-c', `${enter} && exec "$@"`, 'sh', process.execPath, cli, ...words])
    const { system } = JSON.parse(limited(['doctor', '--json']).stdout)
    const large = limited(['train', '--data', 'digits', '--model', 'preresnet-164', '--batch', '512', '--steps', '1', '--output', `${folder}/large`])
    const fits = limited(['train', '--data', 'digits', ...small, '--output', `${folder}/small`])
    return {
      ok: system.allowedThreads === 1 && system.availableMemory < 400 * mebibyte && large.status === 1 && /ERR_MEMORY/.test(large.stderr) && fits.status === 0,
      threads: system.allowedThreads,
      availableMebibytes: Math.round(system.availableMemory / mebibyte),
      large: outcome(large),
      small: outcome(fits),
    }
  } finally {
    for (const group of groups) rmdirSync(group)
  }
}

/** The clock goes back by ten minutes every second: every duration that is written stays finite and not negative. */
function backwardClock(folder) {
  const source = join(folder, 'clock.c')
  writeFileSync(source, backwardClockSource)
  const library = join(folder, 'clock.so')
  const built = command(['cc', '-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'])
  if (built.status !== 0) throw new Stop(built.stderr)
  const output = join(folder, 'run')
  const result = preresnet(['train', '--data', 'digits', ...small, '--steps', '150', '--validate-every', '50', '--output', output], {
    env: { ...process.env, LD_PRELOAD: library },
  })
  if (result.status !== 0) return { ok: false, ...outcome(result) }
  const lines = readdirSync(output, { recursive: true })
    .filter((name) => String(name).endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(output, String(name)), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line))
  const durations = lines.flatMap((line) =>
    Object.entries(line)
      .filter(([name, value]) => typeof value === 'number' && /second|rate|pace/i.test(name))
      .map(([, value]) => value),
  )
  const resumed = preresnet([
    'train',
    '--data',
    'digits',
    ...small,
    '--steps',
    '160',
    '--milestones',
    '75,112',
    '--validate-every',
    '50',
    '--output',
    output,
    '--resume',
  ])
  return {
    ok: durations.length > 0 && durations.every((value) => Number.isFinite(value) && value >= 0) && resumed.status === 0,
    lines: lines.length,
    durations: durations.length,
    leastDuration: Math.min(...durations),
    resume: outcome(resumed),
  }
}

const backwardClockSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static int real_time(clockid_t id, struct timespec* value) {
  static int (*next)(clockid_t, struct timespec*);
  if (!next) next = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  return next(id, value);
}
static time_t shift(void) {
  static time_t start;
  struct timespec now;
  real_time(CLOCK_MONOTONIC, &now);
  if (!start) start = now.tv_sec;
  return (now.tv_sec - start) * 600;
}
int clock_gettime(clockid_t id, struct timespec* value) {
  int result = real_time(id, value);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) value->tv_sec -= shift();
  return result;
}
int gettimeofday(struct timeval* value, void* zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  value->tv_sec = now.tv_sec;
  value->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t* value) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (value) *value = now.tv_sec;
  return now.tv_sec;
}
`

/** Images in folders whose path has 4,000 characters; one beyond what the kernel takes (4,096) is an error that names it. */
function longPath(folder) {
  const make = (length) => {
    let path = folder
    while (length - path.length > 1) path = join(path, 'd'.repeat(Math.min(200, length - path.length - 1)))
    return path
  }
  const data = make(3950)
  for (const [index, name] of ['left', 'right'].entries())
    for (let image = 0; image < 16; image++)
      writePicture(join(data, name, `${image}${'x'.repeat(4000 - data.length - name.length - 8)}.png`), 32, index * 100 + image)
  const output = join(folder, 'run')
  const trained = preresnet(['train', '--data', data, ...small, '--validation-share', '0.25', '--image', '32', '--output', output])
  const tooLong = preresnet(['train', '--data', make(4200), ...small, '--output', join(folder, 'other')])
  return {
    ok: trained.status === 0 && tooLong.status === 1 && !/^\s+at /m.test(tooLong.stderr),
    train: outcome(trained),
    tooLong: {
      status: tooLong.status,
      error: tooLong.stderr
        .trim()
        .split('\n')
        .at(-1)
        .replace(/d{20,}/g, 'd…'),
    },
  }
}

/** 10,000 classes of two images to train on and one to validate with. */
function manyClasses(folder) {
  return trainOn(makeClasses(folder, 10000, 2), folder)
}

/** As many files as asked for, in 1,000 classes. */
function manyFiles(folder, { files }) {
  const inEach = Math.ceil(Number(files) / 1000)
  return { files: inEach * 1000, ...trainOn(makeClasses(folder, 1000, inEach), folder) }
}

/** Hard links to 20 pictures. */
function makeClasses(folder, classes, inEach) {
  const data = join(folder, 'data')
  const originals = Array.from({ length: 20 }, (_, index) => join(folder, 'originals', `${index}.png`))
  for (const [index, file] of originals.entries()) writePicture(file, 32, index)
  for (let index = 0; index < classes; index++)
    for (const [part, count] of [
      ['train', inEach],
      ['val', 1],
    ]) {
      const place = join(data, part, `class-${String(index).padStart(5, '0')}`)
      mkdirSync(place, { recursive: true })
      for (let image = 0; image < count; image++) linkSync(originals[(index + image) % originals.length], join(place, `${image}.png`))
    }
  return data
}

/** Trains and validates, and says how long that took and the most memory that was resident. */
function trainOn(data, folder) {
  const output = join(folder, 'run')
  const peakFile = join(folder, 'peak.cjs')
  writeFileSync(peakFile, "process.on('exit', () => process.stderr.write(`peak ${process.resourceUsage().maxRSS} kB\\n`))")
  const words = ['train', '--data', data, ...small, '--image', '32', '--output', output]
  const started = performance.now()
  const trained = command([process.execPath, '--require', peakFile, cli, ...words])
  const seconds = Math.round((performance.now() - started) / 1000)
  const peakMebibytes = Math.round(Number(/peak (\d+) kB/.exec(trained.stderr)?.[1]) / 1024)
  return { ok: trained.status === 0, seconds, peakMebibytes, train: outcome(trained) }
}

function writePicture(file, size, seed) {
  mkdirSync(join(file, '..'), { recursive: true })
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, index) => (index * 31 + seed * 57) & 255)
  writeFileSync(file, encodePng({ values: pixels, height: size, width: size, channels: 3 }))
}

await main('surroundings', async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { files: { type: 'string', default: '1000000' } } })
  if (process.getuid() !== 0) throw new Stop('expected to be run by root')
  for (const name of positionals) if (!(name in trials)) throw new Stop(`expected trials of ${Object.keys(trials).join(', ')}, got ${name}`)
  const results = {}
  for (const name of positionals.length > 0 ? positionals : Object.keys(trials)) {
    const folder = mkdtempSync(join(tmpdir(), 'preresnet-surroundings-'))
    try {
      results[name] = await trials[name](folder, values)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    console.log(`${name}: ${JSON.stringify(results[name])}`)
  }
  verdict({ passed: Object.values(results).every(({ ok, leftOut }) => ok === true || leftOut !== undefined), results })
})
