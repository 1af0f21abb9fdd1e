/** What an ONNX file's input takes: values as the network wants them, or pixels that the graph itself normalizes. */
import { PreresnetError } from '../../errors.js'
import type { Network } from '../../layers/index.js'
import type { ModelPreparation } from '../../runtime/model_preparation.js'
import type { OnnxBuilder } from './builder.js'
import { dataTypes, type GivenValueInfo } from './messages.js'

export const inputForms = ['normalized', 'nchw', 'nhwc'] as const
type InputForm = (typeof inputForms)[number]

/** As onnx.proto calls a dimension whose size a caller chooses. */
export const batch = { parameter: 'N' } as const

interface EmittedInput {
  readonly description: GivenValueInfo
  /** The value that the network reads. */
  readonly name: string
}

/** ERR_OPTION where pixels shall be normalized and nothing says how. */
export function emitInput(
  builder: OnnxBuilder,
  form: InputForm,
  { channels, height, width }: Network['input'],
  prepare: ModelPreparation | undefined,
): EmittedInput {
  const input = builder.name(form === 'normalized' ? 'input' : 'images')
  const sizes = form === 'nhwc' ? [height, width, channels] : [channels, height, width]
  const description = valueInfo(input, form === 'normalized' ? dataTypes.float : dataTypes.uint8, sizes)
  if (form === 'normalized') return { description, name: input }
  if (prepare === undefined)
    throw new PreresnetError(
      'ERR_OPTION',
      `exportOnnx: input: expected a model that says how its images were normalized for ${JSON.stringify(form)}, got one that does not`,
    )
  const { mean, std } = prepare.normalization
  const planes = form === 'nchw' ? input : builder.node('Transpose', 'images.planes', [input], { perm: [0, 3, 1, 2] })
  const values = builder.node('Cast', 'images.values', [planes], { to: dataTypes.float })
  const constant = (name: string, of: (channel: number) => number): string =>
    builder.floats(
      `normalization.${name}`,
      [1, channels, 1, 1],
      Float32Array.from({ length: channels }, (_, channel) => of(channel)),
    )
  const scaled = builder.node('Mul', 'images.scaled', [values, constant('scale', (channel) => 1 / (255 * std[channel]!))])
  return { description, name: builder.node('Add', 'input', [scaled, constant('offset', (channel) => -mean[channel]! / std[channel]!)]) }
}

export function valueInfo(name: string, elementType: number, sizes: readonly number[]): GivenValueInfo {
  return { name, type: { tensorType: { elementType, shape: { dimensions: [batch, ...sizes.map((value) => ({ value }))] } } } }
}
