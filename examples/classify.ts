import { Classifier } from 'preresnet'

await using classifier = await Classifier.load('model.safetensors')
const [best] = await classifier.classify('picture.jpg')
console.log(best?.label, best?.probability)
