import type { PreResNetDescription } from './options.js'

const cifar = (depth: number): PreResNetDescription => ({ family: 'cifar', depth, block: 'basic', shortcut: 'option-a' })
const cifarBottleneck = (depth: number): PreResNetDescription => ({ family: 'cifar', depth, block: 'bottleneck', shortcut: 'projection' })
const imagenet = (depth: number): PreResNetDescription => ({ family: 'imagenet', depth })

/** The networks that have a name, and what it stands for. */
export const modelNames = {
  'preresnet-20': cifar(20),
  'preresnet-32': cifar(32),
  'preresnet-44': cifar(44),
  'preresnet-56': cifar(56),
  'preresnet-110': cifar(110),
  'preresnet-164': cifarBottleneck(164),
  'preresnet-1001': cifarBottleneck(1001),
  'preresnet-18': imagenet(18),
  'preresnet-34': imagenet(34),
  'preresnet-50': imagenet(50),
  'preresnet-101': imagenet(101),
  'preresnet-152': imagenet(152),
  'preresnet-200': imagenet(200),
} as const satisfies Readonly<Record<string, PreResNetDescription>>

export type ModelName = keyof typeof modelNames

/** ImageNet's networks: units of each stage, by depth. */
export const imagenetDepths = {
  18: { block: 'basic', units: [2, 2, 2, 2] },
  34: { block: 'basic', units: [3, 4, 6, 3] },
  50: { block: 'bottleneck', units: [3, 4, 6, 3] },
  101: { block: 'bottleneck', units: [3, 4, 23, 3] },
  152: { block: 'bottleneck', units: [3, 8, 36, 3] },
  200: { block: 'bottleneck', units: [3, 24, 36, 3] },
} as const satisfies Readonly<Record<number, { readonly block: string; readonly units: readonly number[] }>>
