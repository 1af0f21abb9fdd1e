// Where preresnet runs: 64-bit Linux with glibc, and a Node that has what the library uses.
import { Stop } from './run.mjs'

const NODE = [20, 19]

export function checkPlatform() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < NODE[0] || (major === NODE[0] && minor < NODE[1])) throw new Stop(`expected Node ${NODE.join('.')} or newer, got ${process.versions.node}`)
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new Stop(`expected Linux on x64 or arm64, got ${process.platform} on ${process.arch}`)
  }
  process.report.excludeNetwork = true // else it asks name servers for every open connection
  if (process.report.getReport().header.glibcVersionRuntime === undefined) throw new Stop('expected a Linux with glibc, got another C library (musl?)')
}
