import { cosine, digits, fit, preResNet, randomCrop, sgd } from 'preresnet'

const data = await digits()
const model = preResNet({ family: 'cifar', depth: 14, input: { height: 28, width: 28, channels: 1 }, classes: 10 })

await using run = fit(model, {
  train: data.train,
  validate: data.test,
  prepare: { train: [randomCrop({ pad: 2 })] },
  batch: 64,
  epochs: 2,
  seed: 1,
  optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  learningRate: cosine({ base: 0.1, warmup: { fraction: 0.1 } }),
  checkpoint: { directory: 'runs/digits', resume: true },
})
for await (const event of run.events) {
  if (event.kind === 'validation') console.log(`step ${event.step}: ${event.top1Errors} of ${event.samples} wrong`)
}
const trained = await run.finished
await trained.save('runs/digits/model.safetensors')
