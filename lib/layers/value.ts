/** Layers are frozen values that only this library's functions make: whatever carries the mark has been validated. */
import { invalid, number } from '../options/values.js'
import type { Layer, Network, Shortcut } from './layer.js'

const marked = new WeakSet<object>()

/** Freezes a layer and marks it as made here. */
export function made<T extends Layer | Network | Shortcut>(value: T): T {
  marked.add(value)
  return Object.freeze(value)
}

export function isMade(value: unknown): value is Layer | Network | Shortcut {
  return typeof value === 'object' && value !== null && marked.has(value)
}

const shortcutKinds = ['identity', 'layers', 'gate']

export function isShortcut(value: unknown): value is Shortcut {
  return isMade(value) && shortcutKinds.includes(value.kind)
}

export function isLayer(value: unknown): value is Layer {
  return isMade(value) && !isShortcut(value) && value.kind !== 'network'
}

/** Limits that keep products of sizes exact integers, and a hostile file from asking for the impossible. */
export const limits = { channels: 1_000_000, kernel: 1024, image: 65_536, copies: 10_000 } as const

export function finite(where: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(where, 'a finite number', value)
}

/** A probability that is not certain: what is kept is multiplied by 1 / (1 - rate). */
export function dropRate(where: string, value: unknown): number {
  const rate = number(where, value, 0, 1)
  if (rate === 1) throw invalid(where, 'a number from 0 to below 1', rate)
  return rate
}
