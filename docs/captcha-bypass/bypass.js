// Whether a request is the CPR Canary's, for nginx with its module njs: "yes" or "no" as $cpr_canary.
// njs 0.7 has no memory that its processes share, so a header may be used again until it expires (a minute).
import crypto from 'crypto';
import fs from 'fs';

const KEY_FILE = '/etc/nginx/cpr-canary-bypass.key';
const LONGEST = 300;  // seconds that a header may be ahead of our clock

function same(one, other) {
    let different = one.length ^ other.length;
    for (let at = 0; at < one.length; at++) {
        different |= one.charCodeAt(at) ^ other.charCodeAt(at);
    }
    return different === 0;
}

function canary(r) {
    const given = (r.headersIn['CPR-Canary-Bypass'] || '').split('.');
    const now = Date.now() / 1000;
    if (given.length !== 4 || given[0] !== 'v1' || !/^[0-9]{1,12}$/.test(given[1])) {
        return 'no';
    }
    if (Number(given[1]) < now || Number(given[1]) > now + LONGEST) {
        return 'no';
    }
    const key = fs.readFileSync(KEY_FILE).toString().trim();
    const path = r.variables.request_uri.split('?')[0];
    const host = (r.headersIn.Host || '').toLowerCase();
    const said = ['v1', given[1], given[2], r.method, host, path].join('\n');
    const own = crypto.createHmac('sha256', key).update(said).digest('hex');
    return key.length >= 32 && same(own, given[3]) ? 'yes' : 'no';
}

export default {canary};
