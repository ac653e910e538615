// An OpenID provider to try the example with: it signs in any name with any password.
//
//   node provider.js [PORT] [ADDRESS OF THE APPLICATION]
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [port = 9000, application = 'http://127.0.0.1:3000'] = process.argv.slice(2);

const client = (client_id, sid) => ({
  client_id,
  client_secret: 'secret',
  redirect_uris: [`${application}/login/callback`],
  post_logout_redirect_uris: [`${application}/`],
  backchannel_logout_uri: `${application}/logout/backchannel`,
  backchannel_logout_session_required: sid,
});

const server = createServer().listen(port, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    // A logout here ends one session of the one, and all sessions of the user of the other.
    clients: [client('app', true), client('app-without-sid', false)],
    features: { backchannelLogout: { enabled: true } },
    // As it is, it sends nothing to addresses of this machine.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  server.on('request', provider.callback());
  console.log(`The issuer is ${issuer}`);
});
