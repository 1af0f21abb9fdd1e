import type { PreResNetDescription } from './description.js'

const cifar = (depth: number): PreResNetDescription => ({ family: 'cifar', depth, block: 'basic', shortcut: 'option-a' })
const cifarBottleneck = (depth: number): PreResNetDescription => ({ family: 'cifar', depth, block: 'bottleneck', shortcut: 'projection' })
const imagenet = (depth: number): PreResNetDescription => ({ family: 'imagenet', depth })

/** The networks that have a name are these keys; the values say what each stands for. */
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

/** A network's name is one of the keys of `modelNames`. */
export type ModelName = keyof typeof modelNames
