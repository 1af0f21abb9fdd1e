import type { Document, DocumentOf } from './document.js'
import { choice, integer, list, nullable, number, object, optional, text } from './field.js'

const percent = (help: string) => number({ help, unit: 'percent', minimum: 0, maximum: 100 })
const top1 = percent('Images whose label was not the first guess.')
const top5 = optional(percent('Images whose label was none of the first five guesses.'), 'where nobody said it')
const deviation = optional(percent('Standard deviation of the first error over runs.'), 'where nobody said it')

export const reproduceDocument = {
  name: 'reproduce',
  help: 'Rows of Tables 1, 2, 3 and 5 of the paper with its figures, and what was found here.',
  version: 1,
  many: false,
  fields: {
    paper: text('Title of the paper.'),
    rows: list(
      'Rows in the order of the paper.',
      object('One row.', {
        id: text('Name of the row, such as `table-2/e/164`.'),
        table: integer({ help: 'Number of the table.', unit: null, minimum: 1 }),
        title: text('What the paper calls it.'),
        training: nullable(
          text('The first row that has this network and recipe: rows with the same one are results of one training.'),
          'where the network is one of others',
        ),
        network: nullable(
          object('What `preResNet` makes the network from.', {
            family: choice('Family of networks.', ['cifar', 'imagenet']),
            depth: integer({ help: 'Weighted layers.', unit: 'layers', minimum: 1 }),
            unit: text('Residual unit.'),
            block: optional(text('Convolutions of a unit.'), 'where the depth says it'),
            classes: integer({ help: 'Outputs.', unit: 'classes', minimum: 1 }),
            strideOn: optional(text('Which convolution of a bottleneck strides.'), 'for CIFAR'),
            gateBias: optional(number({ help: 'Start value of the bias of gates.', unit: 'value', minimum: -1000 }), 'without gates'),
            factor: optional(number({ help: 'Factor of constant scaling.', unit: 'factor', minimum: 0 }), 'without constant scaling'),
            dropoutRate: optional(number({ help: 'Probability of a zero on the shortcut.', unit: null, minimum: 0, maximum: 1 }), 'without dropout'),
          }),
          'where it is one of others, which this package does not have',
        ),
        data: choice('Images that are trained on.', ['cifar10', 'cifar100', 'imagenet']),
        augmentation: text('Random steps of the preparation of training images.'),
        missing: list('What the recipe needs and this package does not have yet.', text('One such thing.')),
        batch: integer({ help: 'Images of a step.', unit: 'images', minimum: 1 }),
        statisticsGroups: integer({ help: 'Groups of a batch with normalization statistics of their own: the GPUs of the paper.', unit: 'groups', minimum: 1 }),
        momentum: number({ help: 'Momentum of stochastic gradient descent.', unit: 'factor', minimum: 0, maximum: 1 }),
        weightDecay: number({ help: 'Weight decay of all parameters.', unit: 'factor', minimum: 0 }),
        schedule: object('The learning rate, a tenth of what it was from each milestone on.', {
          rate: number({ help: 'Rate before the first milestone.', unit: 'rate', minimum: 0 }),
          unit: choice('What length and milestones count.', ['steps', 'epochs']),
          length: integer({ help: 'Length of the training.', unit: 'steps or epochs', minimum: 1 }),
          milestones: list('Where the rate falls.', integer({ help: 'One milestone.', unit: 'steps or epochs', minimum: 1 })),
          warmup: optional(
            object('A rate of the first steps.', {
              steps: integer({ help: 'How many there are.', unit: 'steps', minimum: 1 }),
              rate: number({ help: 'Their rate.', unit: 'rate', minimum: 0 }),
            }),
            'where all steps before the first milestone have one rate',
          ),
        }),
        seeds: list('Seeds of the runs whose median is compared with the figure of the paper.', integer({ help: 'One seed.', unit: null, minimum: 0 })),
        testCrop: integer({ help: 'Height and width of the crop that is tested.', unit: 'pixels', minimum: 1 }),
        found: object('What the paper found: of CIFAR the median of five runs.', {
          top1: nullable(top1, 'where the paper says "fail": more than 20'),
          top5,
          mean: optional(percent('Mean of the first error over runs.'), 'where the paper does not say it'),
          deviation,
        }),
        others: list('What others found for the same network by the same recipe.', object('One result.', { by: text('Who found it.'), top1, top5, deviation })),
      }),
    ),
    results: optional(
      list(
        'What was found here, a row each.',
        object('The runs of one row.', {
          row: text('Name of the row.'),
          training: text('The first row of the same training.'),
          remarks: list('What differs from the training of the paper.', text('One difference.')),
          runs: list(
            'Runs in the order of their seeds.',
            object('One run.', {
              seed: integer({ help: 'Seed of the run.', unit: null, minimum: 0 }),
              steps: integer({ help: 'Steps done.', unit: 'steps', minimum: 0 }),
              top1,
              top5: percent('Images whose label was none of the first five guesses.'),
              seconds: number({ help: 'Time that the training took, without what was done before a resume.', unit: 'seconds', minimum: 0 }),
              directory: text('Where checkpoints, logs, the model and the report of the run are.'),
            }),
          ),
          median: percent('Median of the first error over runs.'),
          mean: percent('Mean of the first error over runs.'),
          deviation: nullable(percent('Standard deviation of the first error over runs.'), 'of a single run'),
          difference: nullable(
            number({ help: 'Median less the figure of the paper.', unit: 'percent', minimum: -100, maximum: 100 }),
            'where the paper says "fail"',
          ),
        }),
      ),
      'with --list',
    ),
    pictures: optional(
      list('Pictures of training loss and test error over iterations, one for each table and set of images.', text('Path of an SVG file.')),
      'with --list',
    ),
  },
} satisfies Document
export type Reproduction = DocumentOf<typeof reproduceDocument>
