/** What the service has done, as Prometheus reads it. Gauges are read from the classifier, so they cannot drift. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Classifier } from 'preresnet'

export class Metrics {
  readonly #statuses = new Map<number, number>()
  readonly #loop = monitorEventLoopDelay({ resolution: 1 })

  constructor() {
    this.#loop.enable()
  }

  answered(status: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
  }

  text(classifier: Classifier): string {
    const { queued, computing, images, batches, seconds } = classifier.statistics()
    const lines: string[] = []
    const metric = (name: string, type: 'counter' | 'gauge', help: string, values: readonly (readonly [labels: string, value: number])[]): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values.map(([labels, value]) => `${name}${labels} ${value}`))
    }
    metric(
      'preresnet_requests_total',
      'counter',
      'Answers by HTTP status.',
      [...this.#statuses].sort(([a], [b]) => a - b).map(([status, count]) => [`{status="${status}"}`, count]),
    )
    metric(
      'preresnet_images_total',
      'counter',
      'Images by how they ended.',
      Object.entries(images).map(([ending, count]) => [`{ending="${ending}"}`, count]),
    )
    metric('preresnet_queued_images', 'gauge', 'Images that wait to be decoded or computed.', [['', queued]])
    metric('preresnet_computing_images', 'gauge', 'Images in runs that are under way.', [['', computing]])
    metric(
      'preresnet_seconds_total',
      'counter',
      'Seconds of all images in the queue and in decoding, and of all runs.',
      Object.entries(seconds).map(([stage, time]) => [`{stage="${stage}"}`, time]),
    )
    lines.push('# HELP preresnet_batch_images Images of a run.', '# TYPE preresnet_batch_images histogram', ...histogram(batches))
    metric('preresnet_event_loop_delay_seconds', 'gauge', 'Delay of the event loop since the last reading, less the timer of 1 ms.', [
      ['{quantile="0.5"}', this.#delay(50)],
      ['{quantile="0.99"}', this.#delay(99)],
    ])
    this.#loop.reset()
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]])
    return `${lines.join('\n')}\n`
  }

  #delay(percentile: number): number {
    return Math.max(0, this.#loop.percentile(percentile) / 1e9 - 0.001)
  }
}

/** Buckets of powers of two: the number of runs of at most that many images. */
function histogram(batches: readonly number[]): string[] {
  const upTo = (most: number): number => batches.slice(0, most).reduce((sum, count) => sum + count, 0)
  const bounds = Array.from({ length: Math.ceil(Math.log2(batches.length)) + 1 }, (_, power) => 2 ** power)
  const images = batches.reduce((sum, count, index) => sum + count * (index + 1), 0)
  const all = upTo(batches.length)
  return [
    ...bounds.map((bound) => `preresnet_batch_images_bucket{le="${bound}"} ${upTo(bound)}`),
    `preresnet_batch_images_bucket{le="+Inf"} ${all}`,
    `preresnet_batch_images_sum ${images}`,
    `preresnet_batch_images_count ${all}`,
  ]
}
