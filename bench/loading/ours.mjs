// A classifier from its model file: how long until it is ready, and until its first answer; peak memory. One fresh process.
//   node bench/loading/ours.mjs MODEL THREADS
import { readFileSync } from 'node:fs'
import { Classifier } from '../../dist/lib/index.js'

const resident = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))[1])
const [path, threads] = process.argv.slice(2)
const idle = resident('VmRSS')
const begin = performance.now()
const classifier = await Classifier.load(path, { device: 'cpu', batch: 1, threads: Number(threads) })
const ready = performance.now()
const { height, width, channels } = classifier.input
await classifier.classify({ pixels: new Uint8Array(height * width * channels), height, width })
const answered = performance.now()
console.log(JSON.stringify({ readySeconds: (ready - begin) / 1000, answerSeconds: (answered - begin) / 1000, peakBytes: resident('VmHWM') - idle }))
await classifier.dispose()
