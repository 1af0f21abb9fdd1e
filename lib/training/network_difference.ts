/** Where two networks first differ, for the message that refuses one of them. */
import { describe, isObject } from '../options/values.js'

interface Difference {
  readonly path: string
  readonly before: unknown
  readonly now: unknown
}

/** The first layer or property that differs, with both values, which `words` tell apart; undefined where only the names of the networks do. */
export function networkDifference(before: unknown, now: unknown, words: readonly [before: string, now: string] = ['before', 'now']): string | undefined {
  const [saved, wanted] = [before, now].map((network) => (isObject(network) ? { ...network, name: undefined } : network))
  const found = search('', saved, wanted)
  return found && `${found.path}: ${shown(found.before)} ${words[0]}, ${shown(found.now)} ${words[1]}`
}

function search(path: string, before: unknown, now: unknown): Difference | undefined {
  if (before === now) return undefined
  // Of layers of two kinds no property is worth comparing.
  if (!isObject(before) || !isObject(now) || before['kind'] !== now['kind']) return { path, before, now }
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const found = key === 'children' ? searchChildren(path, before[key], now[key]) : search(inside(path, key), before[key], now[key])
    if (found !== undefined) return found
  }
  return undefined
}

type Child = readonly [name: string, layer: unknown]

function searchChildren(path: string, before: unknown, now: unknown): Difference | undefined {
  const [saved, wanted] = [before, now] as [readonly Child[], readonly Child[]]
  for (let index = 0; index < Math.max(saved.length, wanted.length); index++) {
    const [was, is] = [saved[index], wanted[index]]
    if (was?.[0] !== is?.[0]) return { path: `${path}[${index}]`, before: was, now: is }
    const found = search(inside(path, was![0]), was![1], is![1])
    if (found !== undefined) return found
  }
  return undefined
}

const inside = (path: string, name: string): string => [path, name].filter((part) => part !== '').join('.')

/** A layer is shown by its kind, and a child by its name too, where it has one: whole layers are long. */
function shown(value: unknown): string {
  if (value === undefined) return 'none'
  if (Array.isArray(value)) return value[0] === '' ? shown(value[1]) : `${value[0]} (${shown(value[1])})`
  if (isObject(value)) return typeof value['kind'] === 'string' ? value['kind'] : describe(value)
  return JSON.stringify(value)
}
