/** Reports on runs that commit 6dff5b2 wrote, whose logs lack what came since. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { preresnet } from './run.js'

const fixtures = join(import.meta.dirname, '../../../test/fixtures/format-1')

for (const name of ['digits-run', 'cached-run', 'files-run']) {
  test(`${name}: its log is drawn`, async (t) => {
    const parent = await mkdtemp(join(tmpdir(), 'preresnet-report-'))
    t.teardown(() => rm(parent, { recursive: true, force: true }))
    const directory = join(parent, name)
    await cp(join(fixtures, name), directory, { recursive: true })
    const { status, stderr, stdout } = await preresnet(['report', directory, '--json'])
    t.is(status, 0, stderr)
    t.is((JSON.parse(stdout) as { report: string }).report, join(directory, 'report.html'))
    const page = await readFile(join(directory, 'report.html'), 'utf8')

    t.regex(page, /<svg[^>]*>[\s\S]*<path/)
  })
}
