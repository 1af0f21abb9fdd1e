// A thread that waits for the next file: a reader that never ends blocks the thread of the check, where no timer would fire.
import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

/** Begins to watch; the returned function says that a file was read. Ends the process where none is for `longest` milliseconds, and leaves the file where it is. */
export function watchReaders(longest) {
  const files = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  new Worker(new URL(import.meta.url), { workerData: { files, longest } }).unref()
  return () => {
    Atomics.add(files, 0, 1)
    Atomics.notify(files, 0)
  }
}

if (!isMainThread) {
  const { files, longest } = workerData
  let read = 0
  // Asleep but for a counter that has changed, so that the time of processors is that of the readers.
  while (Atomics.wait(files, 0, read, longest) !== 'timed-out') read = Atomics.load(files, 0)
  // Neither the process's streams nor its exit wait for a thread that is blocked.
  writeSync(2, `mutated-files: a reader has not ended for ${longest / 1000} s\n`)
  process.kill(process.pid, 'SIGKILL')
}
