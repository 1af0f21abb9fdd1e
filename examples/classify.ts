import { readFile } from 'node:fs/promises'
import { Classifier } from 'preresnet'

await using classifier = await Classifier.load('model.safetensors')
const [best] = await classifier.classify(await readFile('picture.jpg'))
console.log(best?.label, best?.probability)
