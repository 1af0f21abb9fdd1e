/** Cases of bn_relu_global_average_pool and global_average_pool_backward. */
import { onesIn } from './convolution.js'
import { pairwise } from './pairwise.js'

export const globalAveragePoolCases = pairwise({
  images: [2, 1, 11],
  groups: [1, 3],
  channels: [17, 1, 3, 16, 40, 136],
  size: [
    [5, 7],
    [1, 1],
    [8, 8],
  ],
  normalized: [true, false],
  relu: [true, false],
  sums: [true, false],
}).map((choice) => {
  const x = [choice.images * choice.groups, choice.channels, ...choice.size]
  return { ...choice, x, y: x.slice(0, 2), name: `${x.join(' x ')}, ${choice.groups} groups, ${onesIn(choice)}` }
})
