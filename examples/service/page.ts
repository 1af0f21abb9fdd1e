/** A page on which one drops a picture and sees its classes as bars. It loads nothing from elsewhere. */

export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Classify a picture</title>
<link rel="stylesheet" href="page.css">
<h1>Classify a picture</h1>
<label id="drop" for="file">
  <span id="hint">Drop a JPEG, PNG or WebP file here, or choose one</span>
  <img id="picture" alt="" hidden>
  <input id="file" type="file" accept="image/jpeg,image/png,image/webp">
</label>
<p id="message" role="status"></p>
<ol id="classes"></ol>
<script src="page.js"></script>
</html>
`

export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem }
#drop { display: grid; place-items: center; min-height: 14rem; border: 2px dashed #8888; border-radius: 8px; cursor: pointer }
#drop.over { border-color: #2a78d6; background: #2a78d622 }
#drop:focus-within { outline: 2px solid #2a78d6; outline-offset: 2px }
#drop input { position: absolute; opacity: 0; width: 1px; height: 1px }
#picture { max-width: 100%; max-height: 22rem }
#message { min-height: 1.5em }
#classes { list-style: none; padding: 0 }
#classes li { display: grid; grid-template-columns: 10rem 1fr 4rem; gap: .75rem; align-items: center; margin: .4rem 0 }
#classes .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
#classes .track { background: #8883; border-radius: 4px; overflow: hidden }
#classes .bar { height: 1.1rem; background: #2a78d6; border-radius: 4px; min-width: 2px }
#classes .share { text-align: right; font-variant-numeric: tabular-nums }
`

export const script = `
const [drop, file, hint, picture, message, classes] = ['drop', 'file', 'hint', 'picture', 'message', 'classes'].map((id) => document.getElementById(id))
let latest = 0

async function show(image) {
  const turn = ++latest
  URL.revokeObjectURL(picture.src)
  picture.src = URL.createObjectURL(image)
  picture.alt = image.name
  picture.hidden = false
  hint.hidden = true
  classes.replaceChildren()
  message.textContent = 'Waiting for the answer'
  const begin = performance.now()
  try {
    const response = await fetch('classify', { method: 'POST', body: image })
    const answer = await response.json()
    if (turn !== latest) return
    if (!response.ok) throw new Error(answer.error)
    message.textContent = 'Answered in ' + Math.round(performance.now() - begin) + ' ms'
    classes.replaceChildren(...answer.map(row))
  } catch (error) {
    if (turn === latest) message.textContent = 'No answer: ' + error.message
  }
}

function row({ label, probability }) {
  const percent = (100 * probability).toFixed(1) + ' %'
  const item = element('li')
  const track = element('div', 'track')
  const bar = element('div', 'bar')
  bar.style.width = percent.replace(' ', '')
  track.append(bar)
  item.append(element('span', 'name', label), track, element('span', 'share', percent))
  return item
}

function element(name, className = '', text = '') {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

file.addEventListener('change', () => file.files[0] && show(file.files[0]))
for (const name of ['dragenter', 'dragover', 'dragleave', 'drop'])
  drop.addEventListener(name, (event) => {
    event.preventDefault()
    drop.classList.toggle('over', name === 'dragenter' || name === 'dragover')
  })
drop.addEventListener('drop', ({ dataTransfer }) => dataTransfer.files[0] && show(dataTransfer.files[0]))
`
