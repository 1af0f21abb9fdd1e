/** Real digits and a network small enough to train many times over. */
import { digits, loader, subset, type Dataset, type Loader, type LoaderOptions } from '../../lib/data/index.js'
import { batchNorm, classifierHead, conv2d, dropout, network, relu, residual } from '../../lib/layers/index.js'
import type { Network } from '../../lib/layers/layer.js'

const every = (length: number, parts: number): number[] => Array.from({ length: Math.floor(length / parts) }, (_, index) => index * parts)

let parts: Promise<{ train: Dataset; test: Dataset }> | undefined

/** 399 digits to train on and 100 to test, of all classes. */
export function someDigits(): Promise<{ train: Dataset; test: Dataset }> {
  parts ??= digits().then(({ train, test }) => ({ train: subset(train, every(train.length, 20), 'train'), test: subset(test, every(test.length, 20), 'test') }))
  return parts
}

export interface TinyOptions {
  readonly name?: string
  readonly classes?: number
  readonly channels?: number
  readonly dropout?: number
}

export function tiny(options: TinyOptions = {}): Network {
  const { name = 'tiny', classes = 10, channels = 8 } = options
  const block = [batchNorm(), relu(), conv2d({ channels, kernel: 3 })]
  return network({
    name,
    input: { height: 28, width: 28, channels: 1 },
    layers: {
      stem: conv2d({ channels, kernel: 5, stride: 3 }),
      unit: residual({ branch: options.dropout === undefined ? block : [...block, dropout({ rate: options.dropout })] }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes }),
    },
  })
}

export async function trainingLoader(options: Partial<LoaderOptions> = {}): Promise<Loader> {
  return loader((await someDigits()).train, { batch: 8, seed: 1, ...options })
}
