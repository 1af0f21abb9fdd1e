/** Files of weights as timm and torchvision name them: names and shapes are written down here, values are drawn. */
import { writeSafetensors, type SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { Random } from '../support/random.js'

export interface Described {
  readonly bottleneck: boolean
  readonly units: readonly number[]
  readonly widths: readonly number[]
  readonly classes: number
}

/** As small as the families allow. */
export const basic: Described = { bottleneck: false, units: [1, 2, 1, 1], widths: [64, 8, 16, 8], classes: 5 }
export const bottleneck: Described = { bottleneck: true, units: [2, 1, 1, 1], widths: [16, 32, 16, 16], classes: 3 }

export type Shapes = Map<string, readonly number[]>

function norm(shapes: Shapes, name: string, channels: number): void {
  for (const part of ['weight', 'bias', 'running_mean', 'running_var']) shapes.set(`${name}.${part}`, [channels])
  shapes.set(`${name}.num_batches_tracked`, [])
}

/** Output channels, input channels and kernel of a unit's convolutions. */
function convolutions(isBottleneck: boolean, inputs: number, channels: number): readonly (readonly [number, number, number])[] {
  const middle = channels / 4
  if (isBottleneck) {
    return [
      [middle, inputs, 1],
      [middle, middle, 3],
      [channels, middle, 1],
    ]
  }
  return [
    [channels, inputs, 3],
    [channels, channels, 3],
  ]
}

/** `resnet*`, of torchvision and of timm. */
export function resnet({ bottleneck: isBottleneck, units, widths, classes }: Described): Shapes {
  const shapes: Shapes = new Map([['conv1.weight', [64, 3, 7, 7]]])
  norm(shapes, 'bn1', 64)
  let inputs = 64
  units.forEach((count, stage) => {
    for (let unit = 0; unit < count; unit++) {
      const at = `layer${stage + 1}.${unit}`
      const channels = widths[stage]!
      convolutions(isBottleneck, inputs, channels).forEach(([out, into, kernel], index) => {
        shapes.set(`${at}.conv${index + 1}.weight`, [out, into, kernel, kernel])
        norm(shapes, `${at}.bn${index + 1}`, out)
      })
      if (unit === 0 && (inputs !== channels || stage > 0)) {
        shapes.set(`${at}.downsample.0.weight`, [channels, inputs, 1, 1])
        norm(shapes, `${at}.downsample.1`, channels)
      }
      inputs = channels
    }
  })
  return shapes.set('fc.weight', [classes, inputs]).set('fc.bias', [classes])
}

/** timm's `resnetv2_*` with batch normalization and the plain stem. */
export function resnetv2({ bottleneck: isBottleneck, units, widths, classes }: Described): Shapes {
  const shapes: Shapes = new Map([['stem.conv.weight', [64, 3, 7, 7]]])
  let inputs = 64
  units.forEach((count, stage) => {
    for (let unit = 0; unit < count; unit++) {
      const at = `stages.${stage}.blocks.${unit}`
      const channels = widths[stage]!
      convolutions(isBottleneck, inputs, channels).forEach(([out, into, kernel], index) => {
        norm(shapes, `${at}.norm${index + 1}`, into)
        shapes.set(`${at}.conv${index + 1}.weight`, [out, into, kernel, kernel])
      })
      if (unit === 0 && (inputs !== channels || stage > 0)) shapes.set(`${at}.downsample.conv.weight`, [channels, inputs, 1, 1])
      inputs = channels
    }
  })
  norm(shapes, 'norm', inputs)
  return shapes.set('head.fc.weight', [classes, inputs, 1, 1]).set('head.fc.bias', [classes])
}

export function drawn(shapes: Shapes): Map<string, SafetensorsTensor> {
  const random = new Random(7)
  return new Map(
    [...shapes].map(([name, shape]): [string, SafetensorsTensor] => {
      if (name.endsWith('num_batches_tracked')) return [name, { dtype: 'I64', shape, data: BigInt64Array.of(12n) }]
      const data = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 2 * random.uniform() - 1)
      return [name, { dtype: 'F32', shape, data: name.endsWith('running_var') ? data.map((value) => 1 + value / 2) : data }]
    }),
  )
}

export async function writeFile(path: string, shapes: Shapes): Promise<Map<string, SafetensorsTensor>> {
  const tensors = drawn(shapes)
  await writeSafetensors(path, tensors)
  return tensors
}
