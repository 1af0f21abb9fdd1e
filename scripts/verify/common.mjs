// What the checks share: images, test runs, the verdict.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'
import { testFiles } from '../support/tests.mjs'

/** Random 32 x 32 x 3 images with random labels. */
export async function randomImages(count, classes = 10) {
  const { memoryDataset } = await import('../../dist/lib/index.js')
  const bytes = randomBytes(count)
  return memoryDataset({
    images: new Uint8Array(randomBytes(count * 32 * 32 * 3)),
    labels: Int32Array.from(bytes, (value) => value % classes),
    height: 32,
    width: 32,
    channels: 3,
    classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
  })
}

/** Paths of the JPEG files in a folder, at any depth. */
export function photographs(folder) {
  if (folder === undefined) throw new Stop('expected a folder of JPEG files, got none')
  const files = filesUnder(folder, '').filter((name) => /\.jpe?g$/i.test(name))
  if (files.length === 0) throw new Stop(`expected JPEG files in ${folder}, got none`)
  return files.map((name) => join(folder, name))
}

/** A dataset of image files, to which the classes are given in turn. */
export async function datasetOfFiles(files, classes) {
  const { wholeFiles } = await import('../../dist/lib/data/dataset.js')
  const labels = Int32Array.from(files, (_, index) => index % classes.length)
  return { name: 'files', length: files.length, classes, labels, source: wholeFiles(files), fingerprint: '' }
}

/** Resident bytes of this process: now, or with VmHWM the most so far. */
export function resident(field = 'VmRSS') {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

/** Compiled test files of some folders of test/. */
export function operationTests(folders) {
  return folders.flatMap((folder) => testFiles('.', folder))
}

/** Runs ava with --tap and counts; what failed goes to stderr. */
export function counted([command, ...args], env) {
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 })
  const lines = stdout.split('\n')
  const failed = lines.filter((line) => line.startsWith('not ok'))
  for (const line of failed) console.error(line)
  if (status !== 0 && failed.length === 0) console.error(stderr || stdout.slice(-4000))
  const tests = lines.filter((line) => /^(not )?ok /.test(line)).length
  return { tests, failures: status === 0 ? failed.length : Math.max(1, failed.length) }
}

/** Names of the kernels that oneDNN runs during a command. */
export function kernelNames([command, ...args], env) {
  const { stdout } = spawnSync(command, args, { env: { ...env, DNNL_VERBOSE: '1' }, encoding: 'utf8', maxBuffer: 1 << 28 })
  return [...new Set([...stdout.matchAll(/^(?:onednn|dnnl)_verbose,exec,cpu,convolution,([^,]+),/gm)].map(([, name]) => name))].sort()
}

export function verdict(result) {
  console.log(JSON.stringify(result))
  if (!result.passed) process.exitCode = 1
}
