// A registry on this machine that has our archives as if they were published, and passes everything else on: what users get (optionalDependencies, lockfiles,
// integrity), without publishing.
//   node scripts/verify/registry.mjs ARCHIVE...       prints its address and serves until it is ended
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { output, Stop } from '../support/run.mjs'

/** Serves these archives of npm pack in a process of its own, because whoever installs from it waits for commands. @returns {Promise<{ url: string, close: () => void }>} */
export async function startRegistry(archives) {
  const server = spawn(process.execPath, [fileURLToPath(import.meta.url), ...archives], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(server.stdout, 'data')
  return { url: line.toString().trim(), close: () => server.kill() }
}

async function serve(archives) {
  const upstream = output('npm', ['config', 'get', 'registry'])?.trim().replace(/\/$/, '')
  if (!upstream?.startsWith('http')) throw new Stop('expected npm to know a registry, got none')
  let url
  const documents = new Map()
  const files = new Map(archives.map((file) => [basename(file), file]))
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.split('?')[0]).slice(1)
    const archive = files.get(basename(path))
    if (archive !== undefined) response.end(readFileSync(archive))
    else if (documents.has(path)) response.setHeader('content-type', 'application/json').end(JSON.stringify(documents.get(path)))
    else pass(upstream, request, response, url)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${server.address().port}`
  for (const file of archives) addDocument(documents, file, url)
  return url
}

/** A registry's document of a package, with each version that there is an archive of; the last one is `latest`. */
function addDocument(documents, file, url) {
  const manifest = JSON.parse(output('tar', ['-xzOf', file, 'package/package.json']))
  const bytes = readFileSync(file)
  const { name, version } = manifest
  const document = documents.get(name) ?? { name, 'dist-tags': {}, versions: {}, time: {} }
  document['dist-tags'].latest = version
  // npm can be told to take only versions of a certain age.
  document.time[version] = '2026-01-01T00:00:00.000Z'
  document.versions[version] = {
    ...manifest,
    dist: {
      tarball: `${url}/${name}/-/${basename(file)}`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
    },
  }
  documents.set(name, document)
}

/** Documents of others name our address for their archives, as mirrors do. */
async function pass(upstream, request, response, url) {
  try {
    const answer = await fetch(`${upstream}${request.url}`, { headers: { accept: request.headers.accept ?? '*/*' } })
    const type = answer.headers.get('content-type') ?? 'application/octet-stream'
    const body = Buffer.from(await answer.arrayBuffer())
    response.writeHead(answer.status, { 'content-type': type })
    response.end(
      type.includes('json') ? body.toString().replaceAll(/"tarball":"https?:\/\/[^"]*?(\/(?:@[^"/]+\/)?[^"/]+\/-\/[^"]+)"/g, `"tarball":"${url}$1"`) : body,
    )
  } catch (error) {
    response.writeHead(502).end(error.message)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) console.log(await serve(process.argv.slice(2).map((file) => resolve(file))))
