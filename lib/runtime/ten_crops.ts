/** Evaluation by ten crops of each image: the corners and the middle, and the same mirrored. */
import { throwIfAborted } from '../abort.js'
import { checkClasses } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { tenCrops, type TenCropOptions } from '../data/ten_crops.js'
import { checkClassCount, classesOf, type Compiled } from './compiled.js'
import type { Inference } from './infer.js'
import { confusionMatrix, top1Shares, type Evaluation } from './metrics.js'

/** What the mean probabilities of an image's crops came to. */
class Counts {
  samples = 0
  corrupt = 0
  loss = 0
  top1Hits = 0
  top5Hits = 0
  readonly labels: number[] = []
  readonly predictions: number[] = []

  constructor(readonly smoothing: number) {}

  /** A label of -1 is of an image that could not be decoded. */
  add(probabilities: Float64Array, label: number): void {
    this.labels.push(label)
    if (label < 0) {
      this.corrupt++
      this.predictions.push(-1)
      return
    }
    const own = probabilities[label]!
    // Of equal ones the first counts as the more probable.
    const before = probabilities.reduce((count, value, index) => count + (value > own || (value === own && index < label) ? 1 : 0), 0)
    this.samples++
    if (before === 0) this.top1Hits++
    if (before < 5) this.top5Hits++
    const logarithms = probabilities.map((value) => Math.log(Math.max(value, Number.MIN_VALUE)))
    const spread = this.smoothing === 0 ? 0 : (this.smoothing / probabilities.length) * logarithms.reduce((sum, value) => sum + value, 0)
    this.loss -= (1 - this.smoothing) * logarithms[label]! + spread
    this.predictions.push(probabilities.indexOf(Math.max(...probabilities)))
  }
}

/** @internal The probabilities of ten crops are averaged, as AlexNet's authors did. */
export async function evaluateTenCrops(inference: Inference, compiled: Compiled, data: Dataset, options: Omit<TenCropOptions, 'batch'>): Promise<Evaluation> {
  checkClassCount('evaluate', compiled, data)
  checkClasses(data.name, data.classes, 'the session', compiled.dataset?.classes)
  const classes = classesOf(compiled)
  const { batch, loss } = compiled.plan
  const counts = new Counts(loss.kind === 'crossEntropy' ? loss.smoothing : 0)
  const start = performance.now()
  let waited = 0
  let sums = new Float64Array(classes)
  let crop = 0
  const batches = tenCrops(data, { ...options, batch })
  for (;;) {
    const asked = performance.now()
    const { value, done } = await batches.next()
    waited += performance.now() - asked
    if (done === true) break
    throwIfAborted(options.signal)
    const { images, labels, count } = value
    const probabilities = await inference.run('infer', { images }, { count })
    for (let index = 0; index < count; index++) {
      for (let which = 0; which < classes; which++) sums[which]! += probabilities[index * classes + which]! / 10
      if (++crop < 10) continue
      counts.add(sums, labels[index]!)
      sums = new Float64Array(classes)
      crop = 0
    }
  }
  return evaluationOf(counts, classes, (performance.now() - start) / 1000, waited / 1000)
}

function evaluationOf(counts: Counts, classes: number, seconds: number, dataSeconds: number): Evaluation {
  const { samples, corrupt, loss, top1Hits, top5Hits, labels, predictions } = counts
  return {
    samples,
    corruptImages: corrupt,
    loss: loss / samples,
    top1Errors: samples - top1Hits,
    top5Errors: samples - top5Hits,
    ...top1Shares(samples, top1Hits),
    top5Error: (samples - top5Hits) / samples,
    top5Accuracy: top5Hits / samples,
    confusion: confusionMatrix(Int32Array.from(labels), Int32Array.from(predictions), classes),
    predictions: Int32Array.from(predictions),
    seconds,
    dataSeconds,
  }
}
