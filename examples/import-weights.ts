import { importWeights } from 'preresnet'

const imported = await importWeights('resnet50.safetensors', { from: 'torchvision', preparation: 'torchvision-v2' })
await imported.save('model.safetensors')
