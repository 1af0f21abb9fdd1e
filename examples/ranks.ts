import { digits, fit, joinRanks, preResNet } from 'preresnet'

await using ranks = await joinRanks()
const { train, test } = await digits()
const network = preResNet({ family: 'cifar', depth: 8, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
const { validation } = await fit(network, { train, validate: test, batch: 128, epochs: 1, learningRate: 0.1, ranks }).finished
if (ranks.rank === 0) console.log(validation!.top1Error)
