import { digits, loader } from 'preresnet'

const { train } = await digits()
await using batches = loader(train, { batch: 64, seed: 1, firstSample: 640, workers: 2 })
let next = 0
for await (const batch of batches) {
  const { images, labels, indices, count } = batch // where the threads wrote them: nothing was copied
  console.log(batch.index, count, images.length, labels[0], indices[0])
  next = batch.nextSample // what `firstSample` has to be to go on behind this batch
  if (batch.index === 11) break
}
console.log(next)
