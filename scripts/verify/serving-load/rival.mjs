// What the service asks of a Classifier, made of onnxruntime-node and sharp: sharp decodes on libuv's threads, and a run takes what is decoded, up to 8 images.
import { requireFrom } from './packages.mjs'

const most = 8
const top = 5

export class Rival {
  #decoded = []
  #busy = false
  #open = new Set()
  #counts = { answered: 0, failed: 0, aborted: 0, refused: 0 }
  #batches = new Array(most).fill(0)
  #seconds = { queue: 0, decode: 0, compute: 0 }

  static async load(modules, model, { height, width, channels }) {
    const rival = new Rival()
    const { InferenceSession, Tensor } = requireFrom(modules)('onnxruntime-node')
    rival.Tensor = Tensor
    rival.sharp = requireFrom(modules)('sharp')
    rival.sharp.concurrency(1)
    rival.input = { height, width, channels }
    rival.session = await InferenceSession.create(model)
    return rival
  }

  get precisionReason() {
    return 'the file is in fp32'
  }

  get classes() {
    return Array.from({ length: 1000 }, (_, index) => `class ${index}`)
  }

  async classify(image) {
    const { probabilities } = await this.infer(image)
    return Array.from(probabilities, (probability, index) => ({ label: `class ${index}`, index, probability }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, top)
  }

  async infer(image) {
    const request = {}
    this.#open.add(request)
    try {
      const begin = performance.now()
      const pixels = image.pixels ?? (await this.#decode(image))
      this.#seconds.decode += (performance.now() - begin) / 1000
      const logits = await new Promise((resolve, reject) => {
        this.#decoded.push({ pixels, resolve, reject })
        if (!this.#busy) void this.#run()
      })
      this.#counts.answered++
      return { logits, probabilities: softmax(logits) }
    } catch (error) {
      this.#counts.failed++
      throw error
    } finally {
      this.#open.delete(request)
    }
  }

  /** The shorter side becomes 256, as for a Classifier with the steps of the model file. */
  #decode(file) {
    const { height, width } = this.input
    const side = Math.round(width / 0.875)
    const at = (side - width) / 2
    const image = this.sharp(file).resize(side, side, { fit: 'cover', kernel: 'linear' }).extract({ left: at, top: at, width, height })
    return image.removeAlpha().toColourspace('srgb').raw().toBuffer()
  }

  async #run() {
    this.#busy = true
    // What is decoded at the same moment runs together.
    await null
    while (this.#decoded.length > 0) {
      const taken = this.#decoded.splice(0, most)
      const begin = performance.now()
      try {
        const { height, width, channels } = this.input
        const size = height * width * channels
        const pixels = new Uint8Array(taken.length * size)
        taken.forEach((one, index) => pixels.set(one.pixels, index * size))
        const images = new this.Tensor('uint8', pixels, [taken.length, height, width, channels])
        const [{ data }] = Object.values(await this.session.run({ [this.session.inputNames[0]]: images }))
        const classes = data.length / taken.length
        taken.forEach(({ resolve }, index) => resolve(data.slice(index * classes, (index + 1) * classes)))
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
      this.#batches[taken.length - 1]++
      this.#seconds.compute += (performance.now() - begin) / 1000
    }
    this.#busy = false
  }

  statistics() {
    return { queued: this.#open.size, computing: 0, images: this.#counts, batches: this.#batches, seconds: this.#seconds }
  }

  async dispose() {
    await this.session.release()
  }
}

function softmax(logits) {
  const highest = Math.max(...logits)
  const powers = logits.map((value) => Math.exp(value - highest))
  const sum = powers.reduce((total, value) => total + value)
  return powers.map((value) => value / sum)
}
