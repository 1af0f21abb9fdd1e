import { visibleLine } from '../visible.js'

/** A warning of the process about a dataset, which Node prints where nobody listens. */
export function warn(message: string): void {
  process.emitWarning(visibleLine(message), { code: 'PRERESNET_DATASET' })
}
