/** Flags of the random steps of training, and the steps that they mean. */
import { flip, randomCrop, randomResize, randomResizedCrop, resize, type PreparationStep } from '../data/index.js'
import { decodings, filters, largestPad, type Resize, stepsText } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import { choiceOption, flagOption, integerOption, integersOption, numbersOption, type ValuesOf } from '../options/spec.js'
import { defined } from '../options/values.js'
import { augmentationOptions, augmentationSteps, range } from './augmentation_flags.js'

export const randomStepOptions = {
  pad: integerOption({
    group: 'Data',
    help: 'zeros around the normalized image before the random crop',
    unit: 'pixels',
    minimum: 0,
    maximum: largestPad,
    usual: '2 for digits, else 4; 0 with --random-resized-crop and --random-resize',
  }),
  flip: flagOption({ group: 'Data', help: 'mirror half of the images', usual: 'yes, but not for digits' }),
  ...augmentationOptions,
  randomResizedCrop: flagOption({
    group: 'Data',
    help: 'files: train on parts of random area and aspect ratio, resized to the size of --image',
    fallback: false,
  }),
  area: numbersOption({
    group: 'Data',
    help: 'least and largest share of the area of an image that --random-resized-crop takes',
    unit: 'share',
    minimum: 0,
    above: true,
    maximum: 1,
    usual: '0.08,1',
  }),
  aspect: numbersOption({
    group: 'Data',
    help: 'least and largest width / height of what --random-resized-crop takes',
    unit: 'ratio',
    minimum: 0,
    above: true,
    usual: '3/4 and 4/3',
  }),
  randomResize: integersOption({
    group: 'Data',
    help: 'files: train on random crops of images whose shorter side is drawn from this range; 256,480 in the paper',
    unit: 'pixels',
    minimum: 1,
  }),
  filter: choiceOption({ group: 'Data', help: 'files: filter of all resizing, in training and evaluation', choices: filters, usual: 'bilinear' }),
  decode: choiceOption({
    group: 'Data',
    help: "files: 'scaled' decodes JPEG to train at 1/2, 1/4 or 1/8 where that is as large as what it is resized to",
    choices: decodings,
    usual: 'scaled with --random-resized-crop and --random-resize, else exact',
  }),
}

export type RandomStepValues = ValuesOf<typeof randomStepOptions>

/** Steps of evaluation with the filter that --filter says. ERR_OPTION where it would change nothing, and no random step resizes. */
export function withFilter(steps: readonly PreparationStep[], { filter, ...values }: RandomStepValues): readonly PreparationStep[] {
  if (filter === undefined) return steps
  if (!draws(values)) expectResize('filter', steps)
  return steps.map((step) => (step.kind === 'resize' ? resize({ ...resizeOptions(step), filter }) : step))
}

/** Training begins with `evaluate`, the steps of evaluation, unless it draws a part of the stored image. `usual`: what --pad and --flip are where they are not given. */
export function trainingSteps(
  values: RandomStepValues,
  evaluate: readonly PreparationStep[],
  usual: { readonly pad: number; readonly flip: boolean },
): readonly PreparationStep[] {
  checkTogether(values)
  const augmented = augmentationSteps(values)
  const mirrored = (values.flip ?? usual.flip) ? [flip()] : []
  if (draws(values)) return [...evaluate.filter(({ kind }) => kind === 'exifOrientation'), ...drawn(values, evaluate), ...augmented, ...mirrored]
  const { decode, pad = usual.pad } = values
  if (decode !== undefined) expectResize('decode', evaluate)
  const resized = evaluate.map((step) => (step.kind === 'resize' && decode !== undefined ? resize({ ...resizeOptions(step), decode }) : step))
  return [...resized, ...augmented, ...(pad > 0 ? [randomCrop({ pad })] : []), ...mirrored]
}

function draws({ randomResizedCrop, randomResize }: Pick<RandomStepValues, 'randomResizedCrop' | 'randomResize'>): boolean {
  return randomResizedCrop || randomResize !== undefined
}

function drawn({ randomResize: sides, area, aspect, filter, decode }: RandomStepValues, evaluate: readonly PreparationStep[]): readonly PreparationStep[] {
  const evaluated = evaluate.find((step) => step.kind === 'resize')?.filter
  const how = defined({ filter: filter ?? evaluated, decode })
  if (sides === undefined) return [randomResizedCrop({ ...defined({ area: range('area', area), aspect: range('aspect', aspect) }), ...how })]
  const [from, to] = range('random-resize', sides)!
  return [randomResize({ from, to, ...how }), randomCrop()]
}

/** ERR_OPTION for flags that exclude each other, or would change nothing. */
function checkTogether(values: RandomStepValues): void {
  const refuse = (flag: string, expected: string): never => {
    throw new PreresnetError('ERR_OPTION', `--${flag}: expected ${expected}`)
  }
  if (values.randomResizedCrop && values.randomResize !== undefined) refuse('random-resize', 'nothing beside --random-resized-crop, got both')
  for (const flag of ['area', 'aspect'] as const)
    if (values[flag] !== undefined && !values.randomResizedCrop) refuse(flag, '--random-resized-crop with it, got none')
  if (draws(values) && values.pad !== undefined && values.pad > 0)
    refuse('pad', `0 beside ${values.randomResizedCrop ? '--random-resized-crop' : '--random-resize'}, which crops within the image, got ${values.pad}`)
}

function expectResize(flag: string, steps: readonly PreparationStep[]): void {
  if (steps.some(({ kind }) => kind === 'resize')) return
  throw new PreresnetError('ERR_OPTION', `--${flag}: expected steps that resize, as --resize gives, got ${stepsText(steps)}`)
}

/** What `resize` makes the step from. */
export function resizeOptions({ kind: _, ...options }: Resize): Omit<Resize, 'kind'> {
  return options
}
