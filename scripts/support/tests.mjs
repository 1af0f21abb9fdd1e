// Which compiled files are tests: those of `npm test` (NAME.test.js) and the thorough ones (NAME.thorough.js).
import { filesUnder } from './stamp.mjs'

const ENDING = /\.(test|thorough)\.js$/

/** Test files under dist/test/PLACE: a folder, or the name of one test without its ending. */
export function testFiles(root, folder) {
  const path = `dist/test/${folder}`
  return [`${path}.test.js`, `${path}.thorough.js`, path].flatMap((each) => filesUnder(root, each)).filter((file) => ENDING.test(file))
}

/** The name of a test without its ending, as testFiles takes it. */
export function testName(file) {
  return file.replace(/^dist\/test\//, '').replace(ENDING, '')
}
