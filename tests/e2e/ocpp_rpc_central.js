// An independent central system (npm ocpp-rpc, strict mode: every message in both directions is checked against that
// package's own schemas) that accepts every card. Prints its port, then one JSON line of what it saw on SIGTERM. With the
// files of a certificate, its key and an authority it speaks TLS and wants certificates of that authority (profile 3).
'use strict';

const fs = require('fs');
const https = require('https');
const { RPCServer, createRPCError } = require('ocpp-rpc');

const [certificate, key, authority] = process.argv.slice(2);
const seen = { calls: {}, protocols: {}, stations: {} };
let transactions = 0;

const answers = {
    BootNotification: () => ({ status: 'Accepted', currentTime: new Date().toISOString(), interval: 60 }),
    Heartbeat: () => ({ currentTime: new Date().toISOString() }),
    StatusNotification: () => ({}),
    MeterValues: () => ({}),
    DataTransfer: () => ({ status: 'Accepted' }),
    Authorize: (params) => (params.idTag ? { idTagInfo: { status: 'Accepted' } } : { idTokenInfo: { status: 'Accepted' } }),
    StartTransaction: () => ({ transactionId: ++transactions, idTagInfo: { status: 'Accepted' } }),
    StopTransaction: () => ({ idTagInfo: { status: 'Accepted' } }),
    TransactionEvent: (params) => (params.idToken ? { idTokenInfo: { status: 'Accepted' } } : {}),
};

async function main() {
    const server = new RPCServer({ protocols: ['ocpp2.0.1', 'ocpp1.6'], strictMode: true });
    server.auth((accept, reject, handshake) => {
        const known = certificate || (handshake.password && handshake.password.toString() === 'secret');
        known ? accept({}, handshake.protocols.has('ocpp1.6') ? 'ocpp1.6' : 'ocpp2.0.1') : reject(401, 'no');
    });
    server.on('client', (client) => {
        seen.protocols[client.protocol] = (seen.protocols[client.protocol] || 0) + 1;
        client.handle(({ method, params }) => {
            seen.calls[method] = (seen.calls[method] || 0) + 1;
            (seen.stations[client.identity] = seen.stations[client.identity] || []).push([method, params]);
            if (!answers[method]) throw createRPCError('NotImplemented');
            return answers[method](params);
        });
        if (client.protocol === 'ocpp1.6') {
            client.call('GetConfiguration', {}).catch((error) => { seen.error = String(error); });
        } else {
            const of = { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'HeartbeatInterval' } };
            client.call('GetVariables', { getVariableData: [of] }).catch((error) => { seen.error = String(error); });
        }
    });
    if (certificate) {
        const [cert, secret, ca] = [certificate, key, authority].map((file) => fs.readFileSync(file));
        const http = https.createServer({ cert, key: secret, ca, requestCert: true, rejectUnauthorized: true });
        http.on('upgrade', server.handleUpgrade);
        http.listen(0, '127.0.0.1', () => console.log(http.address().port));
    } else {
        const http = await server.listen(0, '127.0.0.1');
        console.log(http.address().port);
    }
    process.on('SIGTERM', () => process.stdout.write(JSON.stringify(seen) + '\n', () => process.exit(0)));
}

main().catch((error) => { console.error(error); process.exit(1); });
