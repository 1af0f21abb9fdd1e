// The page of examples/service in headless Chromium: a picture is chosen, another one dropped, and a file that is no picture; the classes come as bars. Needs
// Debian's chromium, or another one as CHROMIUM, and playwright-core in a folder that is given, since the repository does not depend on it:
//   npm install --prefix FOLDER playwright-core; serving-page.mjs FOLDER [SCREENSHOT.png]
/* global DataTransfer, File, document */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { picture, writeModel } from '../../dist/test/inference/model.js'
import { verdict } from './common.mjs'

const [modules, screenshot] = process.argv.slice(2)
const { chromium } = createRequire(join(resolve(modules), 'package.json'))('playwright-core')
const folder = mkdtempSync(join(tmpdir(), 'preresnet-page-'))
const model = join(folder, 'model.safetensors')
await writeModel(model)
const [first, second, wrong] = ['first.png', 'second.png', 'wrong.png'].map((name) => join(folder, name))
writeFileSync(first, picture(1, 300, 400))
writeFileSync(second, picture(2, 400, 300))
writeFileSync(wrong, 'no picture')

const service = spawn(process.execPath, [join(import.meta.dirname, '../../dist/examples/service/main.js'), model], {
  env: { ...process.env, PORT: '0', HOST: '127.0.0.1' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [line] = await once(service.stdout, 'data')
const address = `http://127.0.0.1:${/port (\d+)/.exec(line)[1]}`
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const failures = []
const expect = (what, holds) => holds || failures.push(what)
try {
  const page = await browser.newPage({ viewport: { width: 760, height: 820 } })
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('400') && failures.push(message.text()))
  page.on('pageerror', (error) => failures.push(error.message))
  await page.goto(address)
  const rows = async () => {
    await page.waitForFunction(() => /^(Answered|No answer)/.test(document.getElementById('message').textContent))
    return page.locator('#classes li').evaluateAll((items) =>
      items.map((item) => ({
        name: item.querySelector('.name').textContent,
        share: item.querySelector('.share').textContent,
        width: item.querySelector('.bar').offsetWidth,
      })),
    )
  }
  const asked = async (file) => (await (await fetch(`${address}/classify`, { method: 'POST', body: readFileSync(file) })).json()).map(({ label }) => label)

  await page.setInputFiles('#file', first)
  const chosen = await rows()
  expect('the classes of the file that was chosen', JSON.stringify(chosen.map(({ name }) => name)) === JSON.stringify(await asked(first)))
  expect('bars as long as the shares', chosen.every(({ width }, index) => index === 0 || width <= chosen[index - 1].width) && chosen[0].width > 20)
  expect('the picture is shown', await page.locator('#picture').evaluate((image) => image.naturalWidth === 400))
  if (screenshot !== undefined) await page.screenshot({ path: screenshot })

  const transfer = await page.evaluateHandle(
    (bytes) => {
      const data = new DataTransfer()
      data.items.add(new File([new Uint8Array(bytes)], 'second.png', { type: 'image/png' }))
      return data
    },
    [...readFileSync(second)],
  )
  await page.dispatchEvent('#drop', 'dragover', { dataTransfer: transfer })
  expect('the place shows that it takes the file', (await page.locator('#drop.over').count()) === 1)
  await page.evaluate(() => (document.getElementById('message').textContent = ''))
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer })
  const dropped = await rows()
  expect('the classes of the file that was dropped', JSON.stringify(dropped.map(({ name }) => name)) === JSON.stringify(await asked(second)))

  await page.evaluate(() => (document.getElementById('message').textContent = ''))
  await page.setInputFiles('#file', wrong)
  expect('no classes of what is no picture', (await rows()).length === 0)
  expect('the reason is said', /No answer: .*JPEG, PNG or WebP/.test(await page.locator('#message').textContent()))
} finally {
  await browser.close()
  service.kill('SIGTERM')
  await once(service, 'exit')
  rmSync(folder, { recursive: true })
}
verdict({ check: 'page of the service', failures, passed: failures.length === 0 })
