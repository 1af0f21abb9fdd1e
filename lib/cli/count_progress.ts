/** How far a pass over many samples is: one line that is written over on a terminal, elsewhere one at each tenth. */
import { canRedraw, count, percent, size } from './output.js'

interface Done {
  readonly done: number
  readonly total: number
  readonly bytes: number
}

/** Milliseconds between two lines on a terminal. */
const pause = 200

/** `terminal`: isTTY of stderr. */
export function countProgress(
  terminal: boolean | undefined,
  write: (text: string) => void = (text) => process.stderr.write(text),
  now: () => number = () => performance.now(),
): (progress: Done) => void {
  const redraws = canRedraw(terminal)
  let shown = -Infinity
  let tenths = 0
  return ({ done, total, bytes }) => {
    const text = `${count(done)} of ${count(total)} samples (${percent(done / total, 0)}), ${size(bytes)}`
    if (redraws) {
      if (done < total && now() - shown < pause) return
      shown = now()
      write(`\r\x1b[K${text}${done === total ? '\n' : ''}`)
    } else if (Math.floor((10 * done) / total) > tenths) {
      tenths = Math.floor((10 * done) / total)
      write(`${text}\n`)
    }
  }
}
