/**
 * Every row of Tables 1, 2, 3 and 5 of "Identity Mappings in Deep Residual Networks" (arXiv 1603.05027) as data: what is trained, and what the paper found.
 * Errors are in percent, as the paper prints them.
 */
import type { PreResNetDescription } from '../../models/index.js'
import { type Recipe, recipes } from './recipes.js'

/** Errors in percent. */
interface Found {
  /** Null where the paper says "fail": more than 20 %. */
  readonly top1: number | null
  readonly top5?: number
  /** Of five runs, where the paper has them: their mean and standard deviation. */
  readonly mean?: number
  readonly deviation?: number
}

/** What somebody else found for the same network by the same recipe. */
interface Other {
  readonly by: string
  readonly top1: number
  readonly top5?: number
  readonly deviation?: number
}

export interface Row {
  /** `table-2/e/164`. */
  readonly id: string
  readonly table: 1 | 2 | 3 | 5
  /** The paper's words. */
  readonly title: string
  /** Absent where the paper quotes a network of others. */
  readonly network?: PreResNetDescription
  readonly recipe: Recipe
  /** Height and width of the crop in the middle that is tested. */
  readonly testCrop: number
  readonly paper: Found
  readonly others: readonly Other[]
}

const shortcutsOfTable1: readonly (readonly [id: string, title: string, top1: number | null, network: Partial<PreResNetDescription>])[] = [
  ['original', 'original: shortcut 1, F 1', 6.61, { unit: 'original' }],
  ['constant-0', 'constant scaling: shortcut 0, F 1 (a plain net)', null, { unit: 'constant-shortcut', factor: 0 }],
  ['constant-0.5', 'constant scaling: shortcut 0.5, F 1', null, { unit: 'constant-shortcut', factor: 0.5 }],
  ['constant-both-0.5', 'constant scaling: shortcut 0.5, F 0.5 (frozen gating)', 12.35, { unit: 'constant-scaling', factor: 0.5 }],
  ['exclusive-gating/0', 'exclusive gating: shortcut 1 - g(x), F g(x), bias of the gates 0 to -5', null, { unit: 'exclusive-gating', gateBias: 0 }],
  ['exclusive-gating/-6', 'exclusive gating: bias of the gates -6', 8.7, { unit: 'exclusive-gating', gateBias: -6 }],
  ['exclusive-gating/-7', 'exclusive gating: bias of the gates -7', 9.81, { unit: 'exclusive-gating', gateBias: -7 }],
  ['shortcut-only-gating/0', 'shortcut-only gating: shortcut 1 - g(x), F 1, bias of the gates 0', 12.86, { unit: 'shortcut-only-gating', gateBias: 0 }],
  ['shortcut-only-gating/-6', 'shortcut-only gating: bias of the gates -6', 6.91, { unit: 'shortcut-only-gating', gateBias: -6 }],
  ['conv-shortcut', '1x1 conv shortcut', 12.22, { unit: 'conv-shortcut' }],
  ['dropout-shortcut', 'dropout shortcut: 0.5', null, { unit: 'dropout-shortcut', dropoutRate: 0.5 }],
]

const placements: readonly (readonly [id: string, title: string, unit: NonNullable<PreResNetDescription['unit']>, of110: number, of164: number])[] = [
  ['a', 'original', 'original', 6.61, 5.93],
  ['b', 'BN after addition', 'bn-after-addition', 8.17, 6.5],
  ['c', 'ReLU before addition', 'relu-before-addition', 7.84, 6.14],
  ['d', 'ReLU-only pre-activation', 'relu-only-preactivation', 6.71, 5.91],
  ['e', 'full pre-activation', 'pre-activation', 6.37, 5.46],
]

const hysts = { by: 'hysts/pytorch_resnet_preact, median of 3' }

/** Of the pre-activation networks on CIFAR-10. */
const othersOf: Readonly<Record<number, readonly Other[]>> = {
  110: [{ ...hysts, top1: 6.47 }],
  164: [
    { ...hysts, top1: 5.9 },
    { by: 'Merlinhool', top1: 5.81, deviation: 0.05 },
  ],
}

type CifarDepth = 110 | 164 | 1001

/** ResNet-110 has basic units and option A, the deeper ones bottlenecks and projections. */
function cifarNetwork(depth: CifarDepth, more: Partial<PreResNetDescription>): PreResNetDescription {
  const { block = depth === 110 ? 'basic' : 'bottleneck', ...rest } = more
  return { family: 'cifar', depth, block, classes: 10, ...rest }
}

interface CifarRow extends Pick<Row, 'table' | 'id' | 'title' | 'paper'> {
  readonly depth: CifarDepth
  readonly network: Partial<PreResNetDescription>
  readonly recipe?: Recipe
}

function cifar({ depth, network, recipe = recipes.cifar10, id, ...row }: CifarRow): Row {
  const whole = cifarNetwork(depth, network)
  const known = whole.unit === 'pre-activation' && whole.block !== 'one-layer' && recipe === recipes.cifar10
  return { ...row, id: `table-${row.table}/${id}`, network: whole, recipe, testCrop: 32, others: known ? (othersOf[depth] ?? []) : [] }
}

const table1 = shortcutsOfTable1.map(([id, title, top1, network]) => cifar({ table: 1, id, title, depth: 110, network, paper: { top1 } }))

const table2 = placements.flatMap(([id, title, unit, of110, of164]) =>
  (
    [
      [110, of110],
      [164, of164],
    ] as const
  ).map(([depth, top1]) => cifar({ table: 2, id: `${id}/${depth}`, title: `(${id}) ${title}, ResNet-${depth}`, depth, network: { unit }, paper: { top1 } })),
)

/** Original and pre-activation, for the data and networks of Table 3. */
function pairOfTable3(data: 'cifar10' | 'cifar100', depth: CifarDepth, original: Found, preActivation: Found, block?: 'one-layer'): Row[] {
  const [recipe, classes, name] = data === 'cifar10' ? [recipes.cifar10, 10, 'CIFAR-10'] : [recipes.cifar100, 100, 'CIFAR-100']
  const [words, part] = block === undefined ? ['', ''] : [' with one-layer skips', '-one-layer']
  return (
    [
      ['original', original],
      ['pre-activation', preActivation],
    ] as const
  ).map(([unit, paper]) =>
    cifar({
      table: 3,
      id: `${data}/${depth}${part}/${unit}`,
      title: `${name}, ResNet-${depth}${words}, ${unit}`,
      depth,
      network: { unit, classes, ...(block && { block }) },
      recipe,
      paper,
    }),
  )
}

const table3 = [
  ...pairOfTable3('cifar10', 110, { top1: 9.9 }, { top1: 8.91 }, 'one-layer'),
  ...pairOfTable3('cifar10', 110, { top1: 6.61 }, { top1: 6.37 }),
  ...pairOfTable3('cifar10', 164, { top1: 5.93 }, { top1: 5.46 }),
  ...pairOfTable3('cifar10', 1001, { top1: 7.61 }, { top1: 4.92, mean: 4.89, deviation: 0.14 }),
  cifar({
    table: 3,
    id: 'cifar10/1001/pre-activation/batch-64',
    title: 'CIFAR-10, ResNet-1001, pre-activation, mini-batch 64',
    depth: 1001,
    network: { unit: 'pre-activation' },
    recipe: recipes.cifar10Batch64,
    paper: { top1: 4.62, mean: 4.69, deviation: 0.2 },
  }),
  ...pairOfTable3('cifar100', 164, { top1: 25.16 }, { top1: 24.33 }),
  ...pairOfTable3('cifar100', 1001, { top1: 27.82 }, { top1: 22.71, mean: 22.68, deviation: 0.22 }),
]

type ImagenetUnit = 'original' | 'pre-activation'

/** The released networks have their stride on the first 1x1 convolution. */
function imagenet(depth: 152 | 200, unit: ImagenetUnit, testCrop: number, top1: number, top5: number, aspect = false, others: readonly Other[] = []): Row {
  const augmentation = aspect ? 'scale and aspect ratio' : 'scale'
  return {
    id: `table-5/${depth}/${unit}/${testCrop}${aspect ? '/aspect' : ''}`,
    table: 5,
    title: `ResNet-${depth}, ${unit}, ${augmentation} augmentation, test crop ${testCrop}`,
    network: { family: 'imagenet', depth, unit, strideOn: 'conv1', classes: 1000 },
    recipe: aspect ? recipes.imagenetAspect : recipes.imagenet,
    testCrop,
    paper: { top1, top5 },
    others,
  }
}

const table5: readonly Row[] = [
  imagenet(152, 'original', 224, 23.0, 6.7),
  imagenet(152, 'original', 320, 21.3, 5.5),
  imagenet(152, 'pre-activation', 320, 21.1, 5.5),
  imagenet(200, 'original', 320, 21.8, 6.0),
  imagenet(200, 'pre-activation', 320, 20.7, 5.3),
  imagenet(200, 'pre-activation', 320, 20.1, 4.8, true, [{ by: 'fb.resnet.torch', top1: 20.1, top5: 4.8 }]),
  {
    id: 'table-5/inception-v3',
    table: 5,
    title: 'Inception v3, scale and aspect ratio augmentation, test crop 299 (for comparison; no residual network)',
    recipe: recipes.imagenetAspect,
    testCrop: 299,
    paper: { top1: 21.2, top5: 5.6 },
    others: [],
  },
]

/** In the order of the paper. */
export const rows: readonly Row[] = [...table1, ...table2, ...table3, ...table5]

/** The first row with the same network and recipe: several rows may be results of one training. Undefined for a network of others. */
export function trainingOf({ network, recipe }: Row): string | undefined {
  if (network === undefined) return undefined
  const wanted = JSON.stringify([network, recipe])
  return rows.find((row) => JSON.stringify([row.network, row.recipe]) === wanted)!.id
}
