/** Seeded random numbers for tests: the same in every run. */
import { type Values, valuesOf } from './values.js'

export class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** Uniform in [0, 1) (a Weyl sequence, scrambled). */
  uniform(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0
    let z = this.state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
  /** Standard normal. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
  /** In 0 ... below - 1. */
  integer(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  normals(shape: readonly number[], std = 1, mean = 0): Values {
    return valuesOf(shape, () => mean + std * this.normal())
  }
  /** Normal, with exact zeros among them: where a ReLU and its mask change. */
  activations(shape: readonly number[]): Values {
    return valuesOf(shape, () => (this.uniform() < 0.1 ? 0 : this.normal()))
  }
  integers(shape: readonly number[], below: number, from = 0): Values {
    return valuesOf(shape, () => from + this.integer(below))
  }
  /** Magnitudes around one, of both signs: per-channel scales. */
  scales(shape: readonly number[]): Values {
    return valuesOf(shape, () => (this.uniform() < 0.3 ? -1 : 1) * (0.5 + this.uniform()))
  }
  positives(shape: readonly number[], from = 0.5, to = 1.5): Values {
    return valuesOf(shape, () => from + (to - from) * this.uniform())
  }
  /** Each row sums to one. */
  distributions(rows: number, columns: number): Values {
    const values = this.positives([rows, columns])
    for (let row = 0; row < rows; row++) {
      const part = values.data.subarray(row * columns, (row + 1) * columns)
      const sum = part.reduce((total, value) => total + value, 0)
      part.forEach((value, column) => (part[column] = value / sum))
    }
    return values
  }
}
