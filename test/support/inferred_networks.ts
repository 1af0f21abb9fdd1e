/** Networks whose inference is compared with other ways to compute it. */
import type { PreResNetDescription } from '../../lib/models/index.js'

const small = { height: 9, width: 9, channels: 3 }
export const inferredNetworks: Readonly<Record<string, PreResNetDescription>> = {
  'pre-activation, bottleneck': { family: 'cifar', depth: 20, block: 'bottleneck', widths: [64, 128, 256], input: small },
  'pre-activation, basic, option A': { family: 'cifar', depth: 14, block: 'basic', widths: [16, 40, 64], input: small },
  original: { family: 'cifar', depth: 14, block: 'basic', unit: 'original', widths: [16, 64, 96], input: small },
  'ReLU before addition': { family: 'cifar', depth: 14, block: 'basic', unit: 'relu-before-addition', input: small },
  imagenet: { family: 'imagenet', units: [1, 1, 1, 1], widths: [64, 128, 192, 256], block: 'bottleneck', input: { height: 33, width: 33, channels: 3 } },
}
