// The gauge, the clock and the upload of the panel.
const show = (id, text) => { document.getElementById(id).textContent = text; };

const values = [];
function draw(value) {
  values.push(value);
  if (values.length > 60) values.shift();
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const points = values.map((v, i) => `${i * 4},${(55 - 50 * (v - low) / span).toFixed(1)}`);
  document.getElementById('trace').setAttribute('points', points.join(' '));
}

function connect() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live`);
  socket.onmessage = (event) => {
    const { value, count } = JSON.parse(event.data);
    if (value === undefined) return;
    show('gauge', value.toFixed(2));
    show('count', count);
    draw(value);
  };
  socket.onclose = () => { document.body.dataset.live = 'closed'; setTimeout(connect, 2000); };
  socket.onopen = () => { document.body.dataset.live = 'open'; };
}
connect();

new EventSource('/clock').onmessage = (event) => show('clock', `${event.data} s`);

document.getElementById('upload').addEventListener('submit', async (event) => {
  event.preventDefault();
  show('uploaded', 'Sending…');
  try {
    const answer = await fetch('/upload', { method: 'POST', body: new FormData(event.target) });
    if (!answer.ok) throw new Error(answer.status);
    const { name, size_bytes, sha256 } = await answer.json();
    show('uploaded', `${name}: ${size_bytes} bytes, SHA-256 ${sha256}`);
  } catch (error) {
    show('uploaded', `Not uploaded: ${error.message}`);
  }
});
