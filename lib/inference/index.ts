export { type Classification, Classifier, type ClassifierOptions, type ImageFile } from './classifier.js'
