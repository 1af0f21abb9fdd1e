import { preResNet } from 'preresnet'

const networks = [
  preResNet('preresnet-164', { classes: 10 }),
  preResNet({ family: 'cifar', depth: 56, block: 'bottleneck' }),
  preResNet({ family: 'cifar', depth: 110, unit: 'exclusive-gating', gateBias: -6, classes: 10 }),
]
for (const { name, input } of networks) console.log(name, input)
