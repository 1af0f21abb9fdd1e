// Networks of ours as ONNX files: onnx's own checker takes them, and onnxruntime answers as the reference executor does.
//   node scripts/verify/onnx.mjs [--short] [--size 224] [NAME...]
// A NAME is a network or a unit of Tables 1 and 2, as ResNet-110. --size is that of images for the networks for ImageNet. --short: small networks and images,
// a quarter of a minute. Makes a virtual environment with onnx and onnxruntime in the cache folder where there is none; where it cannot, it says so and
// checks nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportOnnx } from '../../dist/lib/exchange/index.js'
import { compile, networkFromJson, preResNet } from '../../dist/lib/index.js'
import { modelNames } from '../../dist/lib/models/names.js'
import { unitNames } from '../../dist/lib/models/units.js'
import { inTurn } from '../../dist/lib/runtime/internals.js'
import { output } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { draw, drawnImages, largest, randomNumbers } from './onnx_drawing.mjs'
import { onnxPython, onnxVersions } from './onnx_python.mjs'

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false }, size: { type: 'string' } },
  allowPositionals: true,
})
const size = Number(values.size ?? (values.short ? 64 : 224))
const images = 7
const batches = [images, 1]
/** Of the largest logit: beyond 200 layers rounding is only stated. */
const bound = 1e-5
const mostLayers = 200
/** Of our fp32 by onnxruntime's. */
const mostRatio = 3
/** A file that says something else would be further off. */
const mostOfRuntime = 1e-4
/** Of the largest logit, between two images. */
const leastDifference = 1e-2
/** With norms in convolutions, and with all of them. */
const forms = ['folded', 'kept']

const error = (got, expected) => largest(expected.map((value, index) => got[index] - value)) / largest(expected)

/** How far the answers for other images are from those for the first one: errors of a network whose answers are always the same would say little. */
const differenceOfImages = (logits) => largest(logits.map((value, index) => value - logits[index % (logits.length / images)])) / largest(logits)

/** All networks that have a name, and every unit of Tables 1 and 2. */
function cases() {
  const names = values.short ? ['preresnet-20', 'preresnet-18'] : Object.keys(modelNames)
  const all = [
    ...names.map((name) => [name, modelNames[name].family === 'imagenet' ? { ...modelNames[name], input: { height: size, width: size } } : modelNames[name]]),
    ...unitNames.map((unit) => [unit, { family: 'cifar', depth: values.short ? 14 : 110, unit, ...(unit.endsWith('-gating') && { gateBias: -3 }) }]),
  ]
  return positionals.length === 0 ? all : all.filter(([name]) => positionals.includes(name))
}

/** Running statistics become those of a batch in one step. */
const following = (description) =>
  networkFromJson(JSON.parse(JSON.stringify(preResNet(description)), (_, value) => (value?.kind === 'batchNorm' ? { ...value, momentum: 1 } : value)))

const direct = { evaluation: false, device: 'cpu', precision: 'fp32', convolution: 'direct', batch: images }
const session = (network, settings) => compile(network, { ...direct, ...settings })

/** Logits of a model file. */
async function logits(network, model, x, settings) {
  const inference = await session(network, settings)
  try {
    await inference.load(model)
    await inference.infer({ x })
    return Float64Array.from(await inTurn(inference, (native) => native.read('logits')))
  } finally {
    await inference.dispose()
  }
}

/** What onnxruntime answers, or why it refuses a file. */
function answers(python, folder, asked) {
  const list = join(folder, 'cases.json')
  writeFileSync(list, JSON.stringify(asked))
  const text = output(python, [join(import.meta.dirname, 'onnx_answers.py'), list], { maxBuffer: 1 << 26 })
  if (text === undefined) return asked.map(() => ({ refused: 'onnx_answers.py ended with an error' }))
  return JSON.parse(text).results.map((result, index) => (result.refused === undefined ? { ...result, answers: floats(asked[index].output) } : result))
}

async function check(python, folder, [name, description]) {
  const network = following(description)
  const random = randomNumbers(20261130)
  const x = drawnImages(images, network.input, random)
  const file = (ending) => join(folder, `${name}${ending}`)
  const model = file('.safetensors')
  await draw(network, direct, model, x, random)
  writeFileSync(file('.x'), Float32Array.from(x))
  for (const norms of forms) await exportOnnx(model, file(`-${norms}.onnx`), { norms, answers: 'logits' })
  const runtime = answers(
    python,
    folder,
    forms.map((norms) => ({ model: file(`-${norms}.onnx`), images: file('.x'), batches, output: file(`-${norms}.logits`) })),
  )
  const double = await logits(network, model, x, { device: 'reference', precision: undefined, convolution: undefined })
  const errors = { direct: error(await logits(network, model, x, {}), double), auto: error(await logits(network, model, x, { convolution: 'auto' }), double) }
  // A batch of all images, then one of the first alone.
  const expected = Float64Array.from([...double, ...double.subarray(0, double.length / images)])
  for (const [index, norms] of forms.entries())
    errors[norms] = runtime[index].answers === undefined ? runtime[index].refused : error(runtime[index].answers, expected)
  const described = runtime.every(({ ir, opset, batch }) => ir === 8 && opset === 17 && batch === 'N')
  const layers = Number(/-(\d+)$/.exec(name)?.[1] ?? description.depth)
  const imagesDiffer = differenceOfImages(double)
  const passed =
    described &&
    imagesDiffer >= leastDifference &&
    errors.direct <= mostRatio * errors.folded &&
    (layers > mostLayers || (errors.direct <= bound && errors.folded <= mostOfRuntime && errors.kept <= mostOfRuntime))
  for (const ending of ['.safetensors', '.x', ...forms.flatMap((norms) => [`-${norms}.onnx`, `-${norms}.logits`])]) rmSync(file(ending), { force: true })
  const result = { network: name, largestLogit: largest(double), imagesDiffer, errors, passed }
  console.error(JSON.stringify(result))
  return result
}

/** Pixels in, probabilities out: what the graph normalizes itself. */
async function pixels(python, folder) {
  const network = preResNet('preresnet-20')
  const { height, width, channels } = network.input
  const normalization = { mean: [0.49, 0.48, 0.45], std: [0.25, 0.24, 0.26] }
  const inference = await session(network, { prepare: { normalization } })
  const { uniform } = randomNumbers(7)
  const given = Uint8Array.from({ length: images * height * width * channels }, () => Math.floor(256 * uniform()))
  const plane = height * width
  const place = (index) => Math.floor(index / (channels * plane)) * channels * plane + (index % plane) * channels + (Math.floor(index / plane) % channels)
  const ordered = { nhwc: given, nchw: given.map((_, index) => given[place(index)]) }
  const expected = Float64Array.from(await inference.infer({ images: given }))
  const results = []
  for (const [input, bytes] of Object.entries(ordered)) {
    const file = (ending) => join(folder, `pixels-${input}${ending}`)
    writeFileSync(file('.x'), bytes)
    await exportOnnx(inference, file('.onnx'), { input })
    const [got] = answers(python, folder, [{ model: file('.onnx'), images: file('.x'), batches: [images], output: file('.answers') }])
    const difference = got.answers === undefined ? got.refused : error(got.answers, expected)
    results.push({ network: `preresnet-20 of pixels, ${input}`, errors: { probabilities: difference }, passed: difference <= bound })
  }
  await inference.dispose()
  return results
}

const floats = (path) => {
  const bytes = readFileSync(path)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

const python = onnxPython()
if (python === undefined) {
  console.log(JSON.stringify({ check: 'ONNX files in onnxruntime', skipped: 'onnx and onnxruntime cannot be installed here' }))
} else {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-onnx-'))
  const results = []
  try {
    for (const which of cases()) results.push(await check(python, folder, which))
    if (positionals.length === 0) results.push(...(await pixels(python, folder)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  verdict({ check: 'ONNX files in onnxruntime', versions: onnxVersions, size, results, passed: results.length > 0 && results.every(({ passed }) => passed) })
}
