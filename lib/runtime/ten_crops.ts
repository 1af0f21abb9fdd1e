/** Evaluation by ten crops of each image: the corners and the middle, and the same mirrored. */
import { throwIfAborted } from '../abort.js'
import { checkClasses } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { tenCrops, type TenCropOptions } from '../data/ten_crops.js'
import { checkClassCount, classesOf, type Compiled } from './compiled.js'
import type { Inference } from './infer.js'
import { evaluationOfSums, type Evaluation } from './metrics.js'

/** What the mean probabilities of an image's crops came to. */
class Counts {
  readonly sums = { samples: 0, loss: 0, top1Hits: 0, top5Hits: 0 }
  readonly labels: number[] = []
  readonly predictions: number[] = []

  constructor(readonly smoothing: number) {}

  /** A label of -1 is of an image that could not be decoded. */
  add(probabilities: Float64Array, label: number): void {
    this.labels.push(label)
    if (label < 0) {
      this.predictions.push(-1)
      return
    }
    const own = probabilities[label]!
    // Of equal ones the first counts as the more probable.
    const before = probabilities.reduce((count, value, index) => count + (value > own || (value === own && index < label) ? 1 : 0), 0)
    this.sums.samples++
    if (before === 0) this.sums.top1Hits++
    if (before < 5) this.sums.top5Hits++
    const logarithms = probabilities.map((value) => Math.log(Math.max(value, Number.MIN_VALUE)))
    const spread = this.smoothing === 0 ? 0 : (this.smoothing / probabilities.length) * logarithms.reduce((sum, value) => sum + value, 0)
    this.sums.loss -= (1 - this.smoothing) * logarithms[label]! + spread
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
  const [labels, predictions] = [Int32Array.from(counts.labels), Int32Array.from(counts.predictions)]
  const times = { seconds: (performance.now() - start) / 1000, dataSeconds: waited / 1000 }
  return evaluationOfSums(data.name, labels.length, { ...counts.sums, ...times }, labels, predictions, classes)
}
