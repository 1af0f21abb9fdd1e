// Files of weights with a few bytes changed, in every format: each is read as it should be, or refused by one clear error that names the file.
//   node scripts/verify/mutated-files.mjs [--count 100000] [--seed N] [FORMAT...]
// Runs in this process: a crash, an allocation of what a file only claims to have, or a file that takes long ends the check.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportOnnx, importOnnx, importWeights } from '../../dist/lib/exchange/index.js'
import { PreresnetError } from '../../dist/lib/index.js'
import { resnet, drawn } from '../../dist/test/exchange/files.js'
import { pth } from '../../dist/test/support/pth.js'
import { Random } from '../../dist/test/support/random.js'
import { writeSafetensors } from '../../dist/lib/formats/index.js'
import { verdict } from './common.mjs'

const { values, positionals } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const count = Number(values.count)
/** Of one file, in milliseconds: a claim of sizes that is believed takes longer. */
const longest = 5000
/** Of this process: the files have less than a megabyte each. */
const mostBytes = 1 << 30

const mostShown = 5

const presets = { from: 'torchvision', preparation: 'torchvision-v1' }

const folder = mkdtempSync(join(tmpdir(), 'preresnet-mutated-'))

/** The same names and shapes as a small network of torchvision, of few values. */
const tensors = drawn(resnet({ bottleneck: false, units: [1, 1, 1, 1], widths: [2, 2, 2, 2], classes: 2 }))

async function bytesOf(format) {
  if (format === 'pth') return pth(tensors, ['state_dict'])
  const path = join(folder, 'base')
  await writeSafetensors(path, tensors)
  if (format === 'safetensors') return readFileSync(path)
  const [model, network] = [join(folder, 'model'), join(folder, 'network')]
  await (await importWeights(path, presets)).save(model)
  await exportOnnx(model, network)
  return readFileSync(network)
}

/** Bytes that say what the others are, where a change means something: begin and end. */
const described = {
  safetensors: (bytes) => [[0, 8 + Number(bytes.readBigUInt64LE(0))]],
  pth: (bytes) => [
    [0, bytes.indexOf('weights/byteorder')],
    [bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1')), bytes.length],
  ],
  // Nodes, then constants with their values, then inputs, outputs and what the file says of itself.
  onnx: (bytes) => [
    [0, bytes.lastIndexOf('stem.conv.weight')],
    [bytes.lastIndexOf('head.fc.bias'), bytes.length],
  ],
}

const numbers = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 40n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
]
const texts = [
  '-1',
  '0',
  '1e9',
  '99999999999',
  '9007199254740993',
  '1.5',
  'null',
  '""',
  '[]',
  '{}',
  '\0',
  '\x1b[31m',
  '../',
  'é',
  '__proto__',
  'os\nsystem\n',
  'ctorch\nFloatStorage\n',
  ')R',
  'Q',
  '.',
  '(',
]

class Mutator {
  constructor(random, bytes, ranges) {
    Object.assign(this, { random, bytes, ranges })
  }

  below(limit) {
    return Math.floor(this.random.uniform() * limit)
  }

  /** Nine in ten times where the file says what it holds. */
  place() {
    if (this.random.uniform() < 0.1) return this.below(this.bytes.length)
    const [begin, end] = this.ranges[this.below(this.ranges.length)]
    return begin + this.below(end - begin)
  }

  file() {
    let bytes = Buffer.from(this.bytes)
    const changes = 1 + this.below(3)
    for (let change = 0; change < changes; change++) bytes = this.changed(bytes)
    return bytes
  }

  changed(bytes) {
    // Earlier changes may have cut the file down to nothing.
    const at = Math.max(0, Math.min(this.place(), bytes.length - 1))
    const length = 1 + this.below(16)
    const splice = (removed, ...added) => Buffer.concat([bytes.subarray(0, at), ...added, bytes.subarray(at + removed)])
    switch (this.below(8)) {
      case 0:
        bytes[at] ^= 1 << this.below(8)
        return bytes
      case 1:
        bytes[at] = this.below(256)
        return bytes
      case 2:
        return bytes.subarray(0, at)
      case 3:
        return splice(length)
      case 4:
        return splice(0, bytes.subarray(at, at + length))
      case 5: {
        const other = Math.max(0, Math.min(this.place(), bytes.length - 1))
        return splice(length, bytes.subarray(other, other + length))
      }
      case 6: {
        const number = Buffer.alloc(8)
        number.writeBigUInt64LE(numbers[this.below(numbers.length)])
        const width = [1, 2, 4, 8][this.below(4)]
        number.copy(bytes, at, 0, Math.min(width, bytes.length - at))
        return bytes
      }
      default: {
        const text = Buffer.from(texts[this.below(texts.length)], 'latin1')
        return splice(this.below(2) * text.length, text)
      }
    }
  }
}

/** What came of a file: 'read', a code, or what is wrong. */
async function outcome(format, path) {
  try {
    await (format === 'onnx' ? importOnnx(path, { preparation: presets.preparation }) : importWeights(path, presets))
    return 'read'
  } catch (error) {
    if (!(error instanceof PreresnetError)) return { wrong: `not an error of ours: ${error.stack}` }
    // ERR_OPTION: what the file says and what the options say of it do not agree.
    if (error.code !== 'ERR_FILE' && error.code !== 'ERR_OPTION') return { wrong: `code ${error.code}: ${error.message}` }
    // eslint-disable-next-line no-control-regex
    if (!error.message.startsWith(path) || error.message.length > 2000 || /[\x00-\x1f]/.test(error.message))
      return { wrong: `not one clear line: ${JSON.stringify(error.message)}` }
    const { cause } = error
    // Text that is not UTF-8, or not JSON, is found by reading it; anything else of this kind was not foreseen.
    const accident = cause instanceof RangeError || (cause instanceof TypeError && cause.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA')
    if (accident) return { wrong: `refused by accident: ${cause.stack}` }
    return error.code
  }
}

async function check(format) {
  const bytes = await bytesOf(format)
  const random = new Random(Number(values.seed))
  const mutator = new Mutator(random, bytes, described[format](bytes))
  const path = join(folder, `mutated.${format}`)
  const result = { format, bytes: bytes.length, files: count, read: 0, refused: 0, wrong: 0 }
  writeFileSync(path, bytes)
  if ((await outcome(format, path)) !== 'read') throw new Error(`${format}: the file without a change is not read`)
  let slowest = 0
  for (let file = 0; file < count; file++) {
    const mutated = mutator.file()
    writeFileSync(path, mutated)
    const begin = performance.now()
    const came = await outcome(format, path)
    slowest = Math.max(slowest, performance.now() - begin)
    if (came === 'read') result.read++
    else if (typeof came === 'string') result.refused++
    else {
      result.wrong++
      if (result.wrong <= mostShown) console.error(`${format}, file ${file}: ${came.wrong}`)
      if (result.wrong === 1) writeFileSync(join(tmpdir(), `preresnet-wrong.${format}`), mutated)
    }
  }
  const peak = process.resourceUsage().maxRSS * 1024
  return {
    ...result,
    slowestMilliseconds: Math.round(slowest),
    peakBytes: peak,
    passed: result.wrong === 0 && result.refused > 0 && slowest < longest && peak < mostBytes,
  }
}

const results = []
try {
  for (const format of positionals.length > 0 ? positionals : Object.keys(described)) results.push(await check(format))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
verdict({ check: 'mutated files of weights', seed: Number(values.seed), results, passed: results.every(({ passed }) => passed) })
