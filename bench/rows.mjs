// What is measured. A row compares preresnet with the fastest of PyTorch's configurations, with that of onnxruntime's and OpenVINO's, or with itself on one thread.

/** What the project wants of the ratio; `nativeBf16`: on a processor whose own bf16 arithmetic is measured faster than its fp32. */
const wanted = (must, goal, nativeBf16) => ({ must, goal, ...(nativeBf16 && { nativeBf16 }) })

const train = (network, batch, target) => ({ work: 'train', network, batch, target })
const infer = (network, batch, target) => ({ work: 'infer', network, batch, target })
/** fp32 in memory on both sides. */
const fp32 = (row) => ({ ...row, precision: 'fp32' })

/** Best against best; `precision: 'fp32'`: in fp32 on both sides. */
const served = (network, batch) => ({ ...infer(network, batch, wanted(1, 1.5)), against: 'other runtimes' })
const servedNetworks = ['preresnet-110', 'preresnet-164', 'preresnet-50', 'preresnet-200', 'resnet-50']
/** `runtimes-164-8`, and `runtimes-164-8-fp32`; of the original network `runtimes-original-50-8`. */
const servedRows = servedNetworks.flatMap((network) =>
  [1, 8, 32].flatMap((batch) => {
    const id = `runtimes-${network.replace('preresnet-', '').replace('resnet-', 'original-')}-${batch}`
    return [
      [id, served(network, batch)],
      [`${id}-fp32`, fp32(served(network, batch))],
    ]
  }),
)

/** A network that has no name of its own in preresnet: the residual unit of 2015, as published figures are of. */
export const described = { 'resnet-50': { family: 'imagenet', depth: 50, unit: 'original' } }

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
  'infer-original-50': infer('resnet-50', 32, wanted(1.5, 2, 1.3)),
  'infer-164-one': infer('preresnet-164', 1, wanted(1.5, 2, 1.3)),
  'infer-110-one': infer('preresnet-110', 1, wanted(1.5, 2, 1.3)),
  'infer-50-one': infer('preresnet-50', 1, wanted(1.5, 2, 1.3)),
  'infer-original-50-one': infer('resnet-50', 1, wanted(1.5, 2, 1.3)),
  'infer-200-one': infer('preresnet-200', 1, wanted(1.5, 2, 1.3)),
  'scaling-110': { ...train('preresnet-110', 128, wanted(1.8, 2)), against: 'one thread' },
  'scaling-164-one': { ...infer('preresnet-164', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-110-one': { ...infer('preresnet-110', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-50-one': { ...infer('preresnet-50', 1, wanted(1.7, 1.9)), against: 'one thread' },
  'scaling-200-one': { ...infer('preresnet-200', 1, wanted(1.7, 1.9)), against: 'one thread' },
  ...Object.fromEntries(servedRows),
}

/** What is measured where no rows are named: the others need other packages of Python, and hours more. */
export const usualRows = Object.keys(rows).filter((id) => rows[id].against !== 'other runtimes')

/** Small ones, to try the driver itself: measured only when named, never published. */
export const trials = {
  'try-train': train('preresnet-20', 16, wanted(1, 1)),
  'try-infer': infer('preresnet-20', 16, wanted(1, 1)),
  'try-runtimes': served('preresnet-20', 16),
  'try-scaling': { ...train('preresnet-20', 16, wanted(1, 1)), against: 'one thread' },
}

/** Of the peak memory of training, ours by PyTorch's. */
export const memoryTarget = { must: 0.5, goal: 0.35 }

export function title({ work, network, batch, precision, against }) {
  const images = batch === 1 ? 'one image' : `batch ${batch}`
  return [work === 'train' ? 'training' : 'inference', network, images, precision, against && `against ${against}`].filter(Boolean).join(', ')
}

/** What a row's opponent may be, of which the fastest is taken: all, or those that compute in fp32. */
export function configurations({ precision, against }, threads) {
  const all = against === 'other runtimes' ? runtimeConfigurations(threads) : pytorchConfigurations
  return all.filter((configuration) => precision === undefined || configuration.precision === precision)
}

/** All eight. */
const pytorchConfigurations = ['fp32', 'bf16'].flatMap((precision) =>
  ['nchw', 'channels_last'].flatMap((memoryFormat) => [false, true].map((compile) => ({ precision, memoryFormat, compile }))),
)

/** Of each runtime on one thread and on all; OpenVINO's settings for latency and for throughput. */
function runtimeConfigurations(threads) {
  return [...new Set([1, threads])].flatMap((count) => [
    { runtime: 'onnxruntime', precision: 'fp32', hint: 'latency', threads: count },
    ...['fp32', 'bf16'].flatMap((precision) => ['latency', 'throughput'].map((hint) => ({ runtime: 'openvino', precision, hint, threads: count }))),
  ])
}

export function configurationName({ precision, memoryFormat, compile, runtime, hint, threads }) {
  if (runtime !== undefined) return `${runtime} ${precision}${runtime === 'openvino' ? ` ${hint}` : ''}, ${threads === 1 ? '1 thread' : `${threads} threads`}`
  return `PyTorch ${precision} ${memoryFormat === 'nchw' ? 'NCHW' : 'channels-last'}${compile ? ' compile' : ''}`
}
