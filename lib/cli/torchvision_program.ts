import { PreresnetError } from '../errors.js'
import { stepsText, type PreparationStep } from '../data/prepare/steps.js'

/** Whether the program below has a step for each of ours. */
const counterparts: Readonly<Record<PreparationStep['kind'], boolean>> = {
  exifOrientation: true,
  resize: true,
  randomResize: true,
  randomResizedCrop: true,
  centerCrop: true,
  randomCrop: true,
  flip: true,
  colorJitter: true,
  lighting: false,
  randomErasing: true,
  trivialAugment: true,
  randAugment: true,
}

export function hasCounterpart(kind: PreparationStep['kind']): boolean {
  return counterparts[kind]
}

/** ERR_UNSUPPORTED for steps that torchvision has none for. */
export function checkCounterparts(steps: readonly PreparationStep[]): void {
  const missing = steps.find(({ kind }) => !hasCounterpart(kind))
  if (missing !== undefined) throw new PreresnetError('ERR_UNSUPPORTED', `expected steps that torchvision has, got ${stepsText([missing])}`)
}

/** What Python runs: it is part of the command, so that an installed package needs no file of Python. Each line of its input is answered by one line. */
export const torchvisionProgram = `
import io, json, random, sys, time

import torch, torchvision
from PIL import Image, ImageOps
from torchvision import transforms as T

FILTERS = {'bilinear': T.InterpolationMode.BILINEAR, 'bicubic': T.InterpolationMode.BICUBIC}


class RandomResize:
    def __init__(self, least, most, interpolation):
        self.steps = [T.Resize(size, interpolation) for size in range(least, most + 1)]

    def __call__(self, image):
        return random.choice(self.steps)(image)


class Fitting:
    """An image that has the input's size stays as it is."""

    def __init__(self, size, step):
        self.size, self.step = size, step

    def __call__(self, image):
        return image if image.size == self.size else self.step(image)


def step_of(step, height, width):
    kind, interpolation = step['kind'], FILTERS[step.get('filter', 'bilinear')]
    if kind == 'exifOrientation':
        return ImageOps.exif_transpose
    if kind == 'resize':
        resize = T.Resize(step.get('size') or round(max(height, width) / 0.875), interpolation)
        return Fitting((width, height), resize) if step.get('unlessFitting') else resize
    if kind == 'randomResize':
        return RandomResize(step['from'], step['to'], interpolation)
    if kind == 'randomResizedCrop':
        return T.RandomResizedCrop((height, width), step['area'], step['aspect'], interpolation)
    if kind == 'centerCrop':
        return T.CenterCrop((step.get('height', height), step.get('width', width)))
    if kind == 'randomCrop':
        return T.RandomCrop((height, width), padding=step['pad'] or None)
    if kind == 'flip':
        return T.RandomHorizontalFlip()
    if kind == 'colorJitter':
        return T.ColorJitter(*(step.get(name, (0, 0) if name == 'hue' else (1, 1)) for name in ('brightness', 'contrast', 'saturation', 'hue')))
    if kind == 'trivialAugment':
        return T.TrivialAugmentWide(step['bins'])
    if kind == 'randAugment':
        return T.RandAugment(step['operations'], step['magnitude'], step['bins'])
    if kind == 'randomErasing':
        color = step['color'][0] if len(step['color']) == 1 else step['color']
        return T.RandomErasing(step['probability'], step['area'], step['aspect'], color)
    raise ValueError(f'no step {kind}')


def steps_of(steps, height, width):
    """Erasing is of tensors alone, and all that follows it can be done with them."""
    made = [step_of(step, height, width) for step in steps]
    first = next((index for index, step in enumerate(steps) if step['kind'] == 'randomErasing'), len(steps))
    return T.Compose([*made[:first], T.PILToTensor(), *made[first:]])


class Images(torch.utils.data.Dataset):
    def __init__(self, given, mode):
        size = given['input']
        self.images, self.shape = given['images'], (size['channels'], size['height'], size['width'])
        self.mode = 'L' if size['channels'] == 1 else 'RGB'
        self.prepare = steps_of(given[mode], size['height'], size['width'])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        path, offset, length = self.images[index]
        with open(path, 'rb') as file:
            file.seek(offset)
            contents = file.read(length)
        try:
            return self.prepare(Image.open(io.BytesIO(contents)).convert(self.mode))
        except (OSError, ValueError):
            # What is no image does not end the measurement.
            return torch.zeros(self.shape, dtype=torch.uint8)


def rate(given, mode, workers, seconds):
    """Images a second of at most four epochs of training; the first batch, before which processes start, is left out."""
    images = Images(given, mode)
    batch = max(1, min(given['batch'], len(images) // 2))
    train = mode == 'train'
    loader = torch.utils.data.DataLoader(images, batch, shuffle=train, drop_last=train, num_workers=workers, persistent_workers=True)
    start, done = None, 0
    for epoch in range(4 if train else 1 << 30):
        for tensor in loader:
            now = time.perf_counter()
            if start is None:
                start = now
            else:
                done += len(tensor)
                if now - start >= seconds:
                    return done / (now - start)
    return done / (time.perf_counter() - start)


def main():
    given = json.loads(sys.stdin.readline())
    print(json.dumps({'versions': f'torchvision {torchvision.__version__}, PyTorch {torch.__version__}'}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps({'rate': rate(given, question['mode'], question['workers'], question['seconds'])}), flush=True)


main()
`
