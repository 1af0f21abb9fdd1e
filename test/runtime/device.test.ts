import test from 'ava'
import { chooseDevice, nativeBf16 } from '../../lib/runtime/device.js'
import type { PreresnetError } from '../../lib/errors.js'

test("'auto' takes the CPU and fp32", (t) => {
  t.deepEqual(chooseDevice(), { device: 'cpu', precision: 'fp32' })
  t.deepEqual(chooseDevice('auto', 'bf16'), { device: 'cpu', precision: 'bf16' })
  t.deepEqual(chooseDevice('reference'), { device: 'reference', precision: 'fp64' })
})

test("'auto' takes a GPU where there is one, and never the emulated one", (t) => {
  t.deepEqual(chooseDevice('auto', 'auto', { hasCuda: () => true }), { device: 'cuda', precision: 'fp16' })
  t.deepEqual(chooseDevice('auto', 'auto', { hasCuda: () => false }), { device: 'cpu', precision: 'fp32' })
})

test('CUDA devices take fp16, or what they are told', (t) => {
  const device = 'cuda'
  t.deepEqual(chooseDevice(device), { device, precision: 'fp16' })
  for (const precision of ['fp32', 'tf32', 'bf16'] as const) t.deepEqual(chooseDevice(device, precision), { device, precision })
  t.throws(() => chooseDevice(device, 'fp64'), { code: 'ERR_DEVICE', message: /computes in fp16 or bf16 or tf32 or fp32, got "fp64"/ })
})

test('nothing else is taken than what was asked for', (t) => {
  t.throws(() => chooseDevice('reference', 'bf16'), { code: 'ERR_DEVICE', message: /reference executor computes in fp64, got "bf16"/ })
  t.throws(() => chooseDevice('cpu', 'fp64'), { code: 'ERR_DEVICE', message: /fp32 or bf16 or bf16-native/ })
  t.throws(() => chooseDevice('gpu' as never), { code: 'ERR_OPTION', message: /"auto" or "cpu"/ })
  const error = t.throws<PreresnetError>(() => chooseDevice('cuda-emulated' as never), { code: 'ERR_OPTION' })
  t.is(error.message.match(/emulated/g)!.length, 1, 'what was got, and not among what is expected')
})

test('a processor without instructions for bf16 refuses them', (t) => {
  t.deepEqual(chooseDevice('cpu', 'bf16-native', { hasNativeBf16: () => true }), { device: 'cpu', precision: 'bf16-native' })
  t.throws(() => chooseDevice('cpu', 'bf16-native', { hasNativeBf16: () => false }), { code: 'ERR_DEVICE', message: /no instructions for bf16/ })
  if (!nativeBf16()) t.throws(() => chooseDevice('cpu', 'bf16-native'), { code: 'ERR_DEVICE' })
})
