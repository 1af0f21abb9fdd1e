// What is measured. A row compares preresnet with the fastest of PyTorch's configurations, or with itself on one thread.

/** What the project wants of the ratio; `nativeBf16`: on a processor whose own bf16 arithmetic is measured faster than its fp32. */
const wanted = (must, goal, nativeBf16) => ({ must, goal, ...(nativeBf16 && { nativeBf16 }) })

const train = (network, batch, target) => ({ work: 'train', network, batch, target })
const infer = (network, batch, target) => ({ work: 'infer', network, batch, target })
/** fp32 in memory on both sides. */
const fp32 = (row) => ({ ...row, precision: 'fp32' })

export const rows = {
  'train-164': train('preresnet-164', 128, wanted(2.8, 4, 2.2)),
  'train-110': train('preresnet-110', 128, wanted(2.4, 3.5, 1.3)),
  'train-200': train('preresnet-200', 8, wanted(1.6, 2.2, 1.3)),
  'train-164-fp32': fp32(train('preresnet-164', 128, wanted(2.2, 3))),
  'train-110-fp32': fp32(train('preresnet-110', 128, wanted(2.1, 3))),
  'train-200-fp32': fp32(train('preresnet-200', 8, wanted(1.5, 2))),
  'infer-164': infer('preresnet-164', 32, wanted(2, 3, 1.3)),
  'infer-110': infer('preresnet-110', 32, wanted(2, 3, 1.3)),
  'infer-200': infer('preresnet-200', 32, wanted(1.5, 2, 1.3)),
  'infer-50': infer('preresnet-50', 32, wanted(1.5, 2, 1.3)),
  'infer-164-one': infer('preresnet-164', 1, wanted(1.5, 2, 1.3)),
  'infer-110-one': infer('preresnet-110', 1, wanted(1.5, 2, 1.3)),
  'infer-50-one': infer('preresnet-50', 1, wanted(1.5, 2, 1.3)),
  'infer-200-one': infer('preresnet-200', 1, wanted(1.5, 2, 1.3)),
  'scaling-110': { ...train('preresnet-110', 128, wanted(1.8, 2)), against: 'one thread' },
  'scaling-164-one': { ...infer('preresnet-164', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-110-one': { ...infer('preresnet-110', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-50-one': { ...infer('preresnet-50', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-200-one': { ...infer('preresnet-200', 1, wanted(1.7, 1.9)), against: 'one thread' },
}

/** Small ones, to try the driver itself: measured only when named, never published. */
export const trials = {
  'try-train': train('preresnet-20', 16, wanted(1, 1)),
  'try-infer': infer('preresnet-20', 16, wanted(1, 1)),
  'try-scaling': { ...train('preresnet-20', 16, wanted(1, 1)), against: 'one thread' },
}

/** Of the peak memory of training, ours by PyTorch's. */
export const memoryTarget = { must: 0.5, goal: 0.35 }

export function title({ work, network, batch, precision, against }) {
  const images = batch === 1 ? 'one image' : `batch ${batch}`
  return [work === 'train' ? 'training' : 'inference', network, images, precision, against && `against ${against}`].filter(Boolean).join(', ')
}

/** PyTorch's configurations that a row is compared with: all eight, or the four that compute in fp32. */
export function configurations({ precision }) {
  return ['fp32', 'bf16']
    .filter((type) => precision === undefined || type === precision)
    .flatMap((type) => ['nchw', 'channels_last'].flatMap((memoryFormat) => [false, true].map((compile) => ({ precision: type, memoryFormat, compile }))))
}

export function configurationName({ precision, memoryFormat, compile }) {
  return `${precision} ${memoryFormat === 'nchw' ? 'NCHW' : 'channels-last'}${compile ? ' compile' : ''}`
}
