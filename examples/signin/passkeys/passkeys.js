// A form with `data-method` asks for a challenge at its action's `/start`, has the authenticator answer it, and sends
// the answer to `/finish`, which says where to go.

const methods = {
  create: ({ publicKey }) => navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  }),
  get: ({ publicKey }) => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
  }),
};

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

addEventListener("submit", async (event) => {
  const form = event.target;
  const method = methods[form.dataset.method];
  if (!method) return;
  event.preventDefault();
  const path = form.getAttribute("action");
  try {
    const challenge = await post(`${path}/start`, Object.fromEntries(new FormData(form)));
    location = await post(`${path}/finish`, await method(challenge));
  } catch (problem) {
    document.querySelector("[role=alert]").textContent = problem.message;
  }
});
