import { batchNorm, classifierHead, compile, conv2d, digits, loader, network, relu, repeat, residual, sgd } from 'preresnet'

const unit = (channels: number) =>
  residual({
    branch: [batchNorm(), relu(), conv2d({ channels, kernel: 3 }), batchNorm(), relu(), conv2d({ channels, kernel: 3 })],
  })
const net = network({
  input: { height: 28, width: 28, channels: 1 },
  layers: { stem: conv2d({ channels: 16, kernel: 3 }), stage: repeat(3, unit(16)), norm: [batchNorm(), relu()], head: classifierHead({ classes: 10 }) },
})

const data = await digits()
await using batches = loader(data.train, { batch: 64, seed: 1 })
await using session = await compile(net, { data: batches, optimizer: sgd({ momentum: 0.9 }), seed: 1 })

const metrics = await session.steps(100, { learningRate: 0.1 })
const weight = session.parameter('stem.weight')
console.log(metrics, weight.shape, await weight.read())
