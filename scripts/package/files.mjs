// Which files of the repository, and of its build, the package preresnet has as they are.
import { filesUnder } from '../support/stamp.mjs'

/** Sources go along, for systems that need a build of their own. */
const PATHS = [
  ...['dist/lib', 'dist/digits.gz', 'native', 'CMakeLists.txt', 'cmake', 'scripts/build-native.mjs', 'scripts/build-mpi.mjs', 'scripts/generate-contracts.mjs'],
  ...['README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs/json'],
]

/** Paths from `root` of the files that are copied as they are; test/docs/links.test.ts looks at the pages among them. */
export function stagedFiles(root) {
  const pages = filesUnder(root, 'docs').filter((file) => /^docs\/([^/]+\.md|pictures\/[^/]+\.svg)$/.test(file))
  return [...PATHS.flatMap((path) => filesUnder(root, path)), ...pages].filter((file) => !file.startsWith('dist/lib/vendor/'))
}
