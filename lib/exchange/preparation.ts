/** How images become the input of weights from elsewhere: timm's config.json says it, or one of the usual ways is named. */
import { dirname, join } from 'node:path'
import { centerCrop, resize, type Normalization } from '../data/index.js'
import { readNormalization } from '../data/prepare/preparation.js'
import { filters, type Filter } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import type { Network } from '../layers/index.js'
import { fields, integer, invalid, number } from '../options/values.js'
import { openFile, unreadable } from '../regular_file.js'
import type { ModelPreparation } from '../runtime/model_preparation.js'

/** What a network is shown, and how. */
interface Shown {
  readonly height: number
  readonly width: number
  readonly prepare: ModelPreparation
}

const imagenet: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const inception: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }

function square(size: number, resized: number, normalization: Normalization, filter: Filter): Shown {
  // As it is written without a filter, which is the bilinear one.
  const resizing = filter === 'bilinear' ? resize(resized) : resize({ size: resized, filter })
  return { height: size, width: size, prepare: { evaluate: [resizing, centerCrop()], normalization } }
}

const presets = {
  'timm-resnetv2': square(224, 235, inception, 'bicubic'),
  'torchvision-v1': square(224, 256, imagenet, 'bilinear'),
  'torchvision-v2': square(224, 232, imagenet, 'bilinear'),
} as const satisfies Readonly<Record<string, Shown>>

type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as readonly PresetName[]

/** For networks from elsewhere, which may be older: those of Caffe take 0 to 255 without a mean of each channel. */
const onnxPresets = {
  ...presets,
  caffe: square(224, 256, { mean: [123 / 255, 117 / 255, 104 / 255], std: [1 / 255, 1 / 255, 1 / 255] }, 'bilinear'),
} as const satisfies Readonly<Record<string, Shown>>

type OnnxPresetName = keyof typeof onnxPresets
export const onnxPresetNames = Object.keys(onnxPresets) as readonly OnnxPresetName[]

export const presetPreparation = (name: OnnxPresetName): ModelPreparation => onnxPresets[name].prepare

/** timm's description of a model, where one lies beside its weights. */
interface TimmConfig {
  readonly path: string
  readonly architecture: string | undefined
  readonly pretrained: unknown
}

/** Undefined where there is no file. */
export async function timmConfigBeside(file: string): Promise<TimmConfig | undefined> {
  const path = join(dirname(file), 'config.json')
  let text
  try {
    await using config = await openFile(path)
    text = await config.readFile('utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, cause)
  }
  let json
  try {
    json = fields(JSON.parse(text))
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: is not JSON`, { cause })
  }
  const { architecture, pretrained_cfg: pretrained } = json
  return { path, architecture: typeof architecture === 'string' ? architecture : undefined, pretrained }
}

/** What weights from `file` are shown. ERR_OPTION where nothing says it: a guess would cost accuracy that nobody sees. */
export function shownTo(file: string, config: TimmConfig | undefined, preset: PresetName | undefined): Shown {
  if (preset !== undefined) return presets[preset]
  if (config?.pretrained !== undefined) return shownBy(config)
  const found = config === undefined ? 'no config.json beside it' : `${config.path} without pretrained_cfg`
  throw new PreresnetError('ERR_OPTION', `${file}: expected the option preparation (${presetNames.join(', ')}) or timm's config.json, got ${found}`)
}

/** timm's `pretrained_cfg`: the shorter side becomes size / crop_pct, the middle of it the input. */
function shownBy({ path, pretrained }: TimmConfig): Shown {
  try {
    const { input_size: size, crop_pct: crop, crop_mode: mode = 'center', interpolation, mean, std } = fields(pretrained)
    if (!Array.isArray(size) || size.length !== 3) throw invalid('input_size', 'channels, height and width', size)
    const [height, width] = [integer('input_size[1]', size[1], 1, 65_536), integer('input_size[2]', size[2], 1, 65_536)]
    if (height !== width) throw invalid('input_size', 'a square image', size)
    if (mode !== 'center') throw invalid('crop_mode', '"center"', mode)
    const filter = filters.find((name) => name === interpolation)
    if (filter === undefined) throw invalid('interpolation', '"bilinear" or "bicubic"', interpolation)
    const share = number('crop_pct', crop, 0.01, 1)
    return square(height, Math.floor(height / share), readNormalization('pretrained_cfg', { mean, std }), filter)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: pretrained_cfg: ${(cause as Error).message}`, { cause })
  }
}

/** Names of networks whose tensors tell everything about them; others have layers without weights that no name gives away. */
const plain = /^(resnetv2_\d+|(tv_|gluon_)?resnet\d+)$/

/** ERR_FILE where timm says that these weights are of a network with other layers. */
export function checkArchitecture({ path, architecture }: TimmConfig): void {
  if (architecture === undefined || plain.test(architecture)) return
  throw new PreresnetError('ERR_FILE', `${path}: architecture: expected resnetv2_N or resnetN without a suffix, got ${JSON.stringify(architecture)}`)
}

/** Checked against the images that the weights themselves want. */
export function checkChannels(file: string, { prepare: { normalization } }: Shown, { channels }: Network['input']): void {
  if (normalization.mean.length === channels && normalization.std.length === channels) return
  throw new PreresnetError(
    'ERR_FILE',
    `${file}: expected weights for images of ${normalization.mean.length} channels, as the preparation has a mean for each, got ${channels}`,
  )
}
