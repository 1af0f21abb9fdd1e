// Clients in a process of their own, which ask again as soon as they have an answer.
//   client.mjs PORT CONNECTIONS LONE RAMP SECONDS LIST      seconds of one client, of all until they are measured, and measured; LIST: a file with a path a line
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'

const [port, connections, lone, ramp, seconds] = process.argv.slice(2, 7).map(Number)
const images = readFileSync(process.argv[7], 'utf8')
  .trim()
  .split('\n')
  .map((path) => readFileSync(path))
const agent = new Agent({ keepAlive: true, maxSockets: connections })

function ask(path, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST', agent }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

let next = 0
/** Milliseconds of each answer that comes while the clients are measured, which begins after `wait` seconds. */
async function load(clients, wait, time, begun) {
  const times = []
  const start = performance.now() + 1000 * wait
  const end = start + 1000 * time
  const begins = new Promise((resolve) => setTimeout(resolve, 1000 * wait)).then(begun)
  const client = async () => {
    while (performance.now() < end) {
      const begin = performance.now()
      const { status, text } = await ask('/classify', images[next++ % images.length])
      if (status !== 200) throw new Error(`expected status 200, got ${status}: ${text}`)
      const now = performance.now()
      if (now >= start && now < end) times.push(now - begin)
    }
  }
  await Promise.all([begins, ...Array.from({ length: clients }, client)])
  return times
}

/** A value of the service's metrics; reading them begins the event loop's figures anew. */
async function metrics() {
  const { text } = await ask('/metrics')
  const value = (name) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    )
  return {
    loopDelay: 1000 * value('preresnet_event_loop_delay_seconds{quantile="0.99"}'),
    decode: value('preresnet_seconds_total{stage="decode"}'),
    compute: value('preresnet_seconds_total{stage="compute"}'),
    runs: value('preresnet_batch_images_count'),
    images: value('preresnet_batch_images_sum'),
    memory: value('process_resident_memory_bytes'),
  }
}

const alone = await load(1, 0, lone)
let before, cpu
const times = await load(connections, ramp, seconds, async () => {
  cpu = process.cpuUsage()
  before = await metrics()
})
const { user, system } = process.cpuUsage(cpu)
const after = await metrics()
const done = after.images - before.images
console.log(
  JSON.stringify({
    rate: times.length / seconds,
    loopDelay: after.loopDelay,
    batch: done / (after.runs - before.runs),
    decode: (1000 * (after.decode - before.decode)) / done,
    compute: (1000 * (after.compute - before.compute)) / done,
    client: (user + system) / 1000 / done,
    memory: after.memory,
    times: times.map(Math.round),
    alone: alone.map((time) => Math.round(10 * time) / 10),
  }),
)
agent.destroy()
