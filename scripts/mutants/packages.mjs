// Faults of what is published, and of how an installed package finds its addon.

export const packageFaults = [
  {
    name: 'a package of the platform of another version is loaded',
    file: 'lib/native/addon_file.ts',
    search: 'return wanted === undefined || version === wanted ?',
    replace: 'return wanted !== undefined || version === wanted ?',
    tests: ['runtime/installed'],
  },
  {
    name: 'a truncated addon is loaded',
    file: 'lib/native/addon_file.ts',
    search: 'return size < whole ?',
    replace: 'return whole < 0 ?',
    tests: ['runtime/installed'],
  },
  {
    name: 'an addon for another processor goes to the loader',
    file: 'lib/native/addon_file.ts',
    search: 'if (machine !== process.arch) return',
    replace: "if (machine === '') return",
    tests: ['runtime/installed'],
  },
  {
    name: 'any version of the package of the platform is asked for',
    file: 'scripts/package/manifests.mjs',
    search: 'map((name) => [name, own.version])',
    replace: "map((name) => [name, '*'])",
    tests: ['scripts/package'],
  },
  {
    name: 'a shared object that needs a newer glibc is published',
    file: 'scripts/package/symbols.mjs',
    search: "compareVersions(highest[library] ?? '0', most) > 0",
    replace: "compareVersions(highest[library] ?? '0', most) > 9",
    tests: ['scripts/package'],
  },
  {
    name: 'a shared object that needs other libraries is published',
    file: 'scripts/package/symbols.mjs',
    search: '...(others.length > 0 ?',
    replace: '...(others.length < 0 ?',
    tests: ['scripts/package'],
  },
  {
    name: 'a shared object whose symbols are nowhere is published',
    file: 'scripts/package/symbols.mjs',
    search: '...(unbound.length > 0 ?',
    replace: '...(unbound.length < 0 ?',
    tests: ['scripts/package'],
  },
  {
    name: 'the static oneDNN has the convolutions of 8-bit integers',
    file: 'scripts/package/onednn_parts.mjs',
    search: "(CONVOLUTIONS.has(types) ? entry : '')",
    replace: "(CONVOLUTIONS.size > 0 ? entry : '')",
    tests: ['scripts/package'],
  },
]
