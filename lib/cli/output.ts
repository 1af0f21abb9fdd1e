/** Everything that the command line prints goes through here: results to stdout, the rest to stderr. */
import { visible, visibleLine } from '../visible.js'

export function print(text: string): void {
  process.stdout.write(`${visible(text)}\n`)
}

/** What a program reads: nothing is changed. */
export function printExactly(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}

/** Whether a terminal understands how a line is written over. */
export function canRedraw(terminal: boolean | undefined): boolean {
  return terminal === true && process.env['TERM'] !== 'dumb'
}

/** Columns aligned with spaces; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head.map(visibleLine), ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? count(cell) : visibleLine(cell))))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  const line = (row: readonly string[]) => row.map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')
  return cells.map((row) => line(row).trimEnd()).join('\n')
}

/** Two columns, the first a label. */
export function pairs(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length))
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd()).join('\n')
}

/** 1727962 as 1,727,962. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** Bytes in the unit in which they are readable: 1536 as 1.5 KiB. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024
    unit++
  }
  return `${unit === 0 || bytes >= 100 ? bytes.toFixed(0) : bytes.toFixed(1)} ${units[unit]}`
}

export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`
}

/** Seconds as 42 s, 3 min 05 s or 2 h 07 min. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}
