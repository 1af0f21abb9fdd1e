import { Classifier, PreresnetError } from 'preresnet'

await using classifier = await Classifier.load('model.safetensors', { maxQueue: 100, batch: 16 })

/** For as long as somebody waits for it: what the signal ends leaves the queue at once, and is not decoded. */
async function answer(picture: string, signal: AbortSignal) {
  try {
    return await classifier.classify(picture, { signal })
  } catch (error) {
    if (error instanceof PreresnetError && error.code === 'ERR_BUSY') return undefined // say so: 503
    throw error
  }
}

console.log((await answer('picture.jpg', AbortSignal.timeout(10_000)))?.[0]?.label)
const { probabilities, logits, features } = await classifier.infer('picture.jpg')
console.log(probabilities.length, logits.length, features?.length)
console.log(classifier.statistics().images)
