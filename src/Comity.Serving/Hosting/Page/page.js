// The form asks /predict and shows the answer; what became of it goes to /feedback. Nothing is kept in the browser.
const form = document.getElementById('record'), answer = document.getElementById('answer'), problem = document.getElementById('problem');
const feedback = document.getElementById('feedback'), words = form.dataset, percent = new Intl.NumberFormat(document.documentElement.lang, { style: 'percent', maximumFractionDigits: 1 });
let id = null;

function show(error) {
  problem.textContent = error.problems ? error.problems.map(p => `${p.field ? p.field + ': ' : ''}${p.found} ${p.expected}`).join('\n') : words.failed;
  problem.hidden = false;
  for (const p of error.problems ?? []) {
    const input = form.elements.namedItem(p.field.split('.').pop());
    if (input) input.setAttribute('aria-invalid', 'true');
  }
}

function content(file) {
  if (!file.size) return null;
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

async function send(path, body) {
  problem.hidden = true;
  try {
    const response = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Accept-Language': document.documentElement.lang }, body: JSON.stringify(body) });
    const result = await response.json();
    if (response.ok) return result;
    show(result);
  } catch { show({}); }
  return null;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  const record = {};
  for (const [name, value] of new FormData(form)) record[name] = value instanceof File ? await content(value) : value.trim();
  const result = await send('/predict/' + words.model, record);
  answer.hidden = !result;
  if (!result) return;
  id = result.id;
  document.getElementById('thanks').textContent = '';
  feedback.reset();
  const regression = result.label === undefined;
  document.getElementById('label').textContent = regression ? new Intl.NumberFormat(document.documentElement.lang).format(result.prediction) : result.label;
  document.getElementById('certainty').textContent = regression ? '' : words.certainty.replace('{0}', percent.format(result.certainty));
  const list = document.getElementById('probabilities');
  list.replaceChildren();
  for (const [name, share] of Object.entries(result.probabilities ?? {}).sort((a, b) => b[1] - a[1])) {
    const [term, bar, number] = [document.createElement('dt'), document.createElement('dd'), document.createElement('dd')];
    const meter = document.createElement('meter');
    meter.value = share;
    meter.setAttribute('aria-label', name);
    term.textContent = name;
    bar.append(meter);
    number.textContent = percent.format(share);
    list.append(term, bar, number);
  }
  const noted = [];
  if (result.missing.length) noted.push(words.missing.replace('{0}', result.missing.join(words.separator)));
  if (result.outOfRange.length) noted.push(words.range.replace('{0}', result.outOfRange.join(words.separator)));
  document.getElementById('noted').textContent = noted.join(' ');
  answer.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth', block: 'nearest' });
});

form.addEventListener('reset', () => { answer.hidden = problem.hidden = true; id = null; });

feedback.addEventListener('submit', async event => {
  event.preventDefault();
  const said = { id };
  for (const [name, value] of new FormData(feedback)) if (value.trim()) said[name] = name === 'rating' ? Number(value) : value.trim();
  if (await send('/feedback', said)) document.getElementById('thanks').textContent = words.thanks;
});
