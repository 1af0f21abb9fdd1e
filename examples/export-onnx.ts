import { exportOnnx } from 'preresnet'

await exportOnnx('model.safetensors', 'model.onnx', { input: 'nhwc' })
