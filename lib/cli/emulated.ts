/** `--device cuda-emulated` of the commands that compare and measure. It is for our tests: help and errors do not name it. */
import type { DeviceName } from '../compiler/program.js'
import { emulated, emulationNow } from '../native/emulation.js'
import type { ShownDevice } from './json/common.js'

const EMULATED = 'cuda-emulated' satisfies ShownDevice

type Given = Readonly<Record<string, unknown>>
type Within = <T>(work: () => T) => T

export const directly: Within = (work) => work()

/** The same words with device `cuda`, and where that is the emulated one. */
export function emulatedDevice(given: Given): { readonly given: Given; readonly within: Within } {
  if (given['device'] !== EMULATED) return { given, within: directly }
  return { given: { ...given, device: 'cuda' }, within: (work) => emulated({}, work) }
}

/** What a result was computed on: an emulated GPU's must not be taken for a GPU's. */
export function shownDevice(device: DeviceName): ShownDevice {
  return device === 'cuda' && emulationNow() !== undefined ? EMULATED : device
}
