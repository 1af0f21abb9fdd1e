/** The network that consists of one golden unit: the same units that networks are made of. */
import { PreresnetError } from '../errors.js'
import { type Network, network } from '../layers/index.js'
import { unitFunctions, type UnitName, type UnitShape } from '../models/units.js'
import type { UnitDescription } from './case_file.js'

export function unitNetwork(name: string, unit: UnitDescription, height: number, width: number): Network {
  const [made, block] = unitName(unit.unit)
  const shape: UnitShape = {
    inputs: unit.in,
    channels: unit.out,
    stride: unit.stride ?? 1,
    block: block ?? unit.block ?? 'basic',
    shortcut: unit.shortcut ?? 'projection',
    strideOn: unit.strideOn ?? 'conv2',
    first: 'no',
    gateBias: 0,
    factor: 0.5,
    rate: 0,
  }
  return network({ name, input: { height, width, channels: unit.in }, layers: unitFunctions[made](shape) })
}

/** The golden files call two units by their factor, and one by its block. */
function unitName(unit: string): readonly [UnitName, UnitShape['block']?] {
  if (unit === 'pre-activation-one-layer') return ['pre-activation', 'one-layer']
  const name = unit.replace(/-0\.5$/, '')
  if (Object.hasOwn(unitFunctions, name)) return [name as UnitName]
  throw new PreresnetError('ERR_FILE', `expected a golden unit that is known, got ${JSON.stringify(unit)}`)
}
