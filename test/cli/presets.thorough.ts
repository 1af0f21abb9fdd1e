/** Presets on the command line itself. */
import test from 'ava'
import { preresnet } from './run.js'

test('a preset says what it is and where it is not quite as published, and its parts become steps of training', async (t) => {
  const given = ['train', '--preset', 'torchvision-v2', '--model', 'preresnet-18', '--data', 'digits', '--batch', '1000000', '--epochs', '1']
  const refused = await preresnet(given)
  t.not(refused.status, 0)
  t.regex(refused.stderr, /^preset torchvision-v2: torchvision's second recipe/m)
  t.regex(refused.stderr, /^not quite as published: what is erased gets the mean color/m)
  const unknown = await preresnet(['train', '--incomplete', '--model', 'preresnet-20', '--data', 'digits', '--steps', '1'])
  t.not(unknown.status, 0)
  t.regex(unknown.stderr, /incomplete/)
})
