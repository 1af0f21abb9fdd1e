// The ONNX files that other runtimes are measured on: start values, since speed does not depend on them. In the ignored folder build/, made once.
import { existsSync, mkdirSync } from 'node:fs'
import { described } from '../rows.mjs'

export const modelPath = (network) => `build/bench/${network}.onnx`

/** Norms are kept, so that the runtimes fold them in their own way, and parameters can be counted. */
export async function makeModel(network) {
  const path = modelPath(network)
  if (existsSync(path)) return
  const { compile, exportOnnx, preResNet } = await import('../../dist/lib/index.js')
  mkdirSync('build/bench', { recursive: true })
  const session = await compile(preResNet(described[network] ?? network), { device: 'cpu', precision: 'fp32', batch: 1, evaluation: false })
  try {
    await exportOnnx(session, path, { norms: 'kept' })
  } finally {
    await session.dispose()
  }
}
