// Two network namespaces on this machine that a veth joins (as root; needs iproute2, ethtool and util-linux): to Open MPI they are two machines.
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop, output, run } from '../../support/run.mjs'

let made = 0

/** `hosts`: ranks of each. `limit(rate)` in Mbit/s; `cut()` takes the link away; `command(env, words)` starts the words on all ranks, `pinned`: each on the core of its number. */
export function acrossNamespaces({ work, hosts, pinned = false }) {
  if (output('ip', ['netns', 'list']) === undefined)
    throw new Stop('this machine does not allow network namespaces, or has no ip: apt-get install iproute2, and root')
  const id = `${process.pid}-${++made}`
  const spaces = hosts.map((ranks, index) => ({
    name: `preresnet-${id}-${index}`,
    link: `pre${id}-${index}`,
    host: `machine-${index}`,
    address: `10.77.0.${index + 1}`,
    ranks,
  }))
  const [one, other] = spaces
  for (const { name } of spaces) run('ip', ['netns', 'add', name])
  run('ip', ['link', 'add', one.link, 'netns', one.name, 'type', 'veth', 'peer', 'name', other.link, 'netns', other.name])
  for (const { name, link, address } of spaces) {
    run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    run('ip', ['-n', name, 'addr', 'add', `${address}/24`, 'dev', link])
    run('ip', ['-n', name, 'link', 'set', link, 'up'])
    // Segments are not gathered to large ones, which no bucket of tokens would hold.
    run('ip', ['netns', 'exec', name, 'ethtool', '-K', link, 'tso', 'off', 'gso', 'off', 'gro', 'off'], { stdio: 'ignore' })
  }
  // In place of ssh. Each side has a host name of its own, so that MPI takes them for two machines.
  const agent = join(work, `agent-${id}`)
  const core = join(work, `core-${id}`)
  writeFileSync(agent, `#!/bin/sh\nshift\nexec ip netns exec ${other.name} unshare --uts sh -c "hostname ${other.host}; $*"\n`)
  writeFileSync(core, pinned ? '#!/bin/sh\nexec taskset -c $OMPI_COMM_WORLD_RANK "$@"\n' : '#!/bin/sh\nexec "$@"\n')
  for (const script of [agent, core]) chmodSync(script, 0o755)
  const network = `${one.address}/24`
  const count = hosts.reduce((sum, ranks) => sum + ranks, 0)
  const flags = [
    ...['--allow-run-as-root', '-n', String(count), '-H', spaces.map(({ address, ranks }) => `${address}:${ranks}`).join(), '--bind-to', 'none'],
    ...['--mca', 'plm', 'rsh', '--mca', 'plm_rsh_agent', agent, '--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self'],
    ...['--mca', 'btl_tcp_if_include', network, '--mca', 'oob_tcp_if_include', network],
  ]
  const inside = ['ip', 'netns', 'exec', one.name, 'unshare', '--uts', 'sh', '-c', `hostname ${one.host}; exec "$@"`, 'sh']
  return {
    command: (env, words) => [...inside, 'mpirun', ...flags, ...Object.keys(env).flatMap((name) => ['-x', name]), core, ...words],
    limit(rate) {
      for (const { name, link } of spaces)
        run('tc', [
          '-n',
          name,
          'qdisc',
          'replace',
          'dev',
          link,
          'root',
          'tbf',
          'rate',
          `${rate}mbit`,
          'burst',
          `${Math.max(32, rate / 4)}kb`,
          'latency',
          '200ms',
        ])
    },
    cut: () => run('ip', ['-n', other.name, 'link', 'set', other.link, 'down']),
    /** With what is still running in them. */
    end() {
      for (const { name } of spaces) {
        for (const pid of (output('ip', ['netns', 'pids', name]) ?? '').split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
        output('ip', ['netns', 'del', name])
      }
    },
  }
}
