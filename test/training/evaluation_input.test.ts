/** Runs that validate on images of another size than they train on. */
import test from 'ava'
import { centerCrop, imageFolder, memoryDataset, randomResizedCrop, resize } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { fit } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const images = (count: number, side: number, seed: number) =>
  memoryDataset({
    images: randomBytes(count * side * side * 3, seed),
    labels: Int32Array.from({ length: count }, (_, index) => index % 10),
    height: side,
    width: side,
    channels: 3,
    classes: 10,
  })
const net = (side: number) => preResNet({ family: 'cifar', depth: 8, block: 'basic', classes: 10, input: { height: side, width: side } })
const settings = { batch: 10, steps: 4, validateEvery: 2, threads: 1, device: 'cpu', precision: 'fp32', learningRate: 0.1 } as const

for (const ema of [undefined, { decay: 0.5 }]) {
  test(`validation at another size is that of the trained network at this size${ema === undefined ? '' : ', with moving averages'}`, async (t) => {
    const [train, validate] = [await images(40, 12, 1), await images(25, 20, 2)]
    const given = { ...settings, train, validate, evaluationInput: { height: 20, width: 20 }, ...(ema && { ema }) }
    const trained = await fit(net(12), given).finished
    t.deepEqual(trained.description.network.input, { height: 20, width: 20, channels: 3 })
    const session = await compile(net(20), { batch: 10, precision: 'fp32', threads: 1, prepare: trained.description.prepare! })
    t.teardown(() => session.dispose())
    for (const [name, { data }] of trained.tensors) await session.parameter(name).write(data as Float32Array)
    const { loss, top1Errors } = await session.evaluate(validate)
    t.is(trained.validation!.top1Errors, top1Errors)
    t.true(Math.abs(trained.validation!.loss - loss) < 1e-9)
    await t.throwsAsync(fit(net(12), { ...settings, train, validate }).finished, { code: 'ERR_SHAPE' })
  })
}

test('files are cropped to the size that each of both wants', async (t) => {
  const folder = await temporaryFolder(t)
  const picture = (index: number): Buffer => rgbPng(30, 24, randomBytes(30 * 24 * 3, index))
  await writeFiles(folder, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index % 10}/${index}.png`, picture(index)])))
  const data = await imageFolder(folder)
  const given = { ...settings, train: data, validate: data, evaluationInput: { height: 20, width: 20 } }
  const usual = await fit(net(12), given).finished
  t.deepEqual(usual.description.prepare!.evaluate, [resize(23), centerCrop()])
  const said = { train: [randomResizedCrop()], evaluate: [resize(24), centerCrop({ height: 20, width: 20 })] }
  const own = await fit(net(12), { ...given, prepare: said }).finished
  t.deepEqual(own.description.prepare!.evaluate, said.evaluate)
  t.is(own.validation!.samples, 20)
  t.throws(() => fit(net(12), { ...given, prepare: { evaluate: [resize(14), centerCrop({ height: 12, width: 12 })] } }), { code: 'ERR_OPTION' })
})
