/** Limits of control groups, read from trees of files as the kernel shows them (man 7 cgroups; Linux's cgroup-v1/memory.rst and cgroup-v2.rst). */
import test, { type ExecutionContext } from 'ava'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadBinding } from '../../lib/native/load.js'
import { temporaryFolder } from '../support/folder.js'

const mebibyte = 2 ** 20

async function limitsOf(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<{ threads?: number; memory?: number }> {
  const root = await temporaryFolder(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true })
    writeFileSync(join(root, name), `${text}\n`)
  }
  return loadBinding().cgroupLimits(root)
}

test('version 2: the quota is in cpu.max, the memory left is memory.max less what is used and not inactive cache', async (t) => {
  const limits = await limitsOf(t, {
    'proc/self/cgroup': '0::/service/run',
    'sys/fs/cgroup/service/run/cpu.max': '250000 100000',
    'sys/fs/cgroup/service/run/memory.max': String(512 * mebibyte),
    'sys/fs/cgroup/service/run/memory.current': String(300 * mebibyte),
    'sys/fs/cgroup/service/run/memory.stat': `anon 1\ninactive_file ${100 * mebibyte}`,
  })
  t.deepEqual(limits, { threads: 3, memory: 312 * mebibyte })
})

test('version 2: the least limit of the own group and those above it counts, "max" is none', async (t) => {
  const limits = await limitsOf(t, {
    'proc/self/cgroup': '0::/service/run',
    'sys/fs/cgroup/service/run/cpu.max': 'max 100000',
    'sys/fs/cgroup/service/cpu.max': '400000 100000',
    'sys/fs/cgroup/service/run/memory.max': 'max',
    'sys/fs/cgroup/service/run/memory.current': String(50 * mebibyte),
    'sys/fs/cgroup/service/memory.max': String(200 * mebibyte),
    'sys/fs/cgroup/service/memory.current': String(150 * mebibyte),
  })
  t.deepEqual(limits, { threads: 4, memory: 50 * mebibyte })
})

test('version 2 in a container: the own group is mounted where the root is', async (t) => {
  const limits = await limitsOf(t, {
    'proc/self/cgroup': '0::/',
    'sys/fs/cgroup/cpu.max': '50000 100000',
    'sys/fs/cgroup/memory.max': String(64 * mebibyte),
    'sys/fs/cgroup/memory.current': String(65 * mebibyte),
  })
  t.deepEqual(limits, { threads: 1, memory: 0 })
})

test('version 1: each controller has a hierarchy of its own, -1 is no quota', async (t) => {
  const files = {
    'proc/self/cgroup': '5:cpu,cpuacct:/jobs/a\n4:memory:/jobs/b\n1:name=systemd:/other',
    'sys/fs/cgroup/memory/jobs/b/memory.limit_in_bytes': String(128 * mebibyte),
    'sys/fs/cgroup/memory/jobs/b/memory.usage_in_bytes': String(100 * mebibyte),
    'sys/fs/cgroup/memory/jobs/b/memory.stat': `inactive_file 1\ntotal_inactive_file ${20 * mebibyte}`,
    'sys/fs/cgroup/cpu/jobs/a/cpu.cfs_period_us': '100000',
  }
  t.deepEqual(await limitsOf(t, { ...files, 'sys/fs/cgroup/cpu/jobs/a/cpu.cfs_quota_us': '600000' }), { threads: 6, memory: 48 * mebibyte })
  t.deepEqual(await limitsOf(t, { ...files, 'sys/fs/cgroup/cpu/jobs/a/cpu.cfs_quota_us': '-1' }), { memory: 48 * mebibyte })
})

test('without control groups nothing is limited', async (t) => {
  t.deepEqual(await limitsOf(t, { 'proc/version': 'Linux' }), {})
})
