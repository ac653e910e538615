// Keeps a page as the server would send it now. A message is elements that have an id each: one that
// differs from the element of that id in the page takes its place.

const parse = (html) => new DOMParser().parseFromString(html, "text/html");
const user = () => document.querySelector("[data-user]")?.dataset.user;

let stream;
let known = user();

function follow() {
  stream?.close();
  let hasBegun = false;
  stream = new EventSource(document.querySelector("[data-live]").dataset.live);
  stream.onmessage = ({ data }) => {
    hasBegun = true;
    for (const fresh of [...parse(data).body.children]) {
      const shown = document.getElementById(fresh.id);
      if (!shown.isEqualNode(fresh)) shown.replaceWith(fresh);
    }
    tell();
  };
  stream.addEventListener("end", async () => {
    await renew();
    // A tab that is just signing in may have its new cookie a moment later.
    if (!user()) setTimeout(renew, 2000);
  });
  // The browser connects again by itself, unless the answer is that there is nothing to follow.
  stream.onerror = ({ target }) => {
    if (hasBegun && target.readyState === EventSource.CLOSED) renew();
  };
}

// Signed out, signed in or timed out, here or elsewhere: what holds now is what the server shows now.
async function renew() {
  stream.close();
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const typed = document.getElementById("code").value;
  document.body.replaceWith(parse(await answer.text()).body);
  document.getElementById("code").value ||= typed;
  tell();
  follow();
}

// A user who was signed in on this page, and is not any more, is told.
function tell() {
  document.getElementById("signed-out").hidden = !known || Boolean(user());
  known = user() ?? known;
}

// A browser keeps few connections to a site: hidden tabs leave them to the others.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream.close();
  else renew();
});
follow();
