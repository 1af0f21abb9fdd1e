export { type Classification, Classifier } from './classifier.js'
