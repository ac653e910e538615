// Signs tokens with the key that oidc-provider has for trying it out, or with one that only has its name.
import { SignJWT, generateKeyPair, importJWK } from 'jose';
import keystore from 'oidc-provider/lib/consts/dev_keystore.js';

const [jwk] = keystore.keys;
const [own, forged] = [await importJWK(jwk), (await generateKeyPair(jwk.alg)).privateKey];
for (const token of JSON.parse(process.argv[1])) {
  const header = { alg: jwk.alg, kid: jwk.kid, typ: token.typ };
  console.log(await new SignJWT(token.claims).setProtectedHeader(header).sign(token.forged ? forged : own));
}
