// A classifier from its model file: how long until it is ready, and until its first answer; peak memory. One fresh process.
//   node bench/loading/ours.mjs MODEL THREADS
import { Classifier } from '../../dist/lib/index.js'
import { resident } from '../../scripts/verify/common.mjs'

const [path, threads] = process.argv.slice(2)
const idle = resident()
const begin = performance.now()
const classifier = await Classifier.load(path, { device: 'cpu', batch: 1, threads: Number(threads) })
const ready = performance.now()
const { height, width, channels } = classifier.input
await classifier.classify({ pixels: new Uint8Array(height * width * channels), height, width })
const answered = performance.now()
console.log(JSON.stringify({ readySeconds: (ready - begin) / 1000, answerSeconds: (answered - begin) / 1000, peakBytes: resident('VmHWM') - idle }))
await classifier.dispose()
