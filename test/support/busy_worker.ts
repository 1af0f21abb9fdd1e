/** A worker thread that trains the tiny network and posts its losses. */
import { parentPort, workerData } from 'node:worker_threads'
import { fill, openSession, steps, tinyPrograms } from './tiny.js'

const task = workerData as { readonly steps: number; readonly announce?: boolean }
const session = await openSession(await tinyPrograms())
await fill(session)
const run = session.run('train', steps(task.steps))
if (task.announce === true) parentPort!.postMessage('running')
const { rows } = await run
parentPort!.postMessage([...rows].filter((_, index) => index % 6 === 0))
await session.dispose()
