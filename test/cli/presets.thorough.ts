/** Presets on the command line itself. */
import test from 'ava'
import { preresnet } from './run.js'

test('refused: a preset that needs what is missing, and --incomplete without a preset', async (t) => {
  const refused = await preresnet(['train', '--preset', 'torchvision-v2', '--model', 'preresnet-18', '--data', 'digits'])
  t.not(refused.status, 0)
  t.regex(refused.stderr, /needs mixup, cutmix, repeated augmentation/)
  const alone = await preresnet(['train', '--incomplete', '--model', 'preresnet-20', '--data', 'digits', '--steps', '1'])
  t.regex(alone.stderr, /--incomplete: expected --preset with it/)
})
