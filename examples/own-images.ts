import { customDataset, loader } from 'preresnet'

// In place of a database: squares, each a little darker than the one before.
const images = customDataset({
  length: 100,
  labels: Array.from({ length: 100 }, (_, index) => (index < 50 ? 0 : 1)),
  classes: ['light', 'dark'],
  pixels: { height: 32, width: 32, channels: 1 },
  read: async (index, signal) => {
    signal.throwIfAborted()
    return new Uint8Array(32 * 32).fill(255 - index)
  },
})

await using batches = loader(images, { batch: 10, seed: 1 })
const batch = await batches.next(0)
console.log(batch?.images.length, batch?.labels.length)
