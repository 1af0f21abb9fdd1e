// The files that are measured, with start values, since speed does not depend on them. In the ignored folder build/, made once.
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { described } from '../rows.mjs'

export const modelPath = (network) => `build/bench/${network}.onnx`

/** The ONNX file that other runtimes read. Norms are kept, so that the runtimes fold them in their own way, and parameters can be counted. */
export async function makeModel(network) {
  await makeOnce(modelPath(network), network, (session, path, { exportOnnx }) => exportOnnx(session, path, { norms: 'kept' }))
}

/** A model file with what a classifier wants to know of images; its path. */
export async function saveModel(network) {
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
  const path = `build/bench/${network}.safetensors`
  await makeOnce(path, network, (session) => session.save(path, { prepare: { normalization } }))
  return path
}

async function makeOnce(path, network, write) {
  if (existsSync(path)) return
  const library = await import('../../dist/lib/index.js')
  mkdirSync(dirname(path), { recursive: true })
  const session = await library.compile(library.preResNet(described[network] ?? network), { device: 'cpu', precision: 'fp32', batch: 1, evaluation: false })
  try {
    await write(session, path, library)
  } finally {
    await session.dispose()
  }
}
