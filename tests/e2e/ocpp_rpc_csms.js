// An operator's own central system (npm ocpp-rpc, strict mode) that knows its own cards and nobody else's. Arguments: port,
// first transaction number, then the cards. A JSON line for every call and connection; {"station","method","params"} on
// standard input makes it call a charger.
'use strict';

const readline = require('readline');
const { RPCServer, createRPCError } = require('ocpp-rpc');

const [port, first, ...cards] = process.argv.slice(2);
const clients = {};
let transactions = Number(first);

const say = (line) => console.log(JSON.stringify(line));
const known = (card) => cards.includes(card.toUpperCase());
const tagInfo = (card) => ({ idTagInfo: { status: known(card) ? 'Accepted' : 'Invalid' } });
const tokenInfo = (card) => ({ idTokenInfo: { status: known(card) ? 'Accepted' : 'Unknown' } });

const answers = {
    BootNotification: () => ({ status: 'Accepted', currentTime: new Date().toISOString(), interval: 300 }),
    Heartbeat: () => ({ currentTime: new Date().toISOString() }),
    StatusNotification: () => ({}),
    MeterValues: () => ({}),
    DataTransfer: () => ({ status: 'UnknownVendorId' }),
    Authorize: (params) => (params.idTag ? tagInfo(params.idTag) : tokenInfo(params.idToken.idToken)),
    StartTransaction: (params) => ({ transactionId: ++transactions, ...tagInfo(params.idTag) }),
    StopTransaction: (params) => (params.idTag ? tagInfo(params.idTag) : {}),
    TransactionEvent: (params) => (params.idToken ? tokenInfo(params.idToken.idToken) : {}),
};

async function main() {
    const server = new RPCServer({ protocols: ['ocpp2.0.1', 'ocpp1.6'], strictMode: true });
    server.auth((accept, reject, handshake) => {
        const right = handshake.password && handshake.password.toString() === 'upstream-secret';
        right ? accept({}, [...handshake.protocols][0]) : reject(401, 'no');
    });
    server.on('client', (client) => {
        clients[client.identity] = client;
        say({ station: client.identity, connected: client.protocol });
        client.on('close', () => say({ station: client.identity, disconnected: true }));
        client.handle(({ method, params }) => {
            if (!answers[method]) throw createRPCError('NotImplemented');
            const answer = answers[method](params);
            say({ station: client.identity, method, params, answer });
            return answer;
        });
    });
    readline.createInterface({ input: process.stdin }).on('line', async (line) => {
        const { station, method, params } = JSON.parse(line);
        try {
            say({ station, asked: method, answer: await clients[station].call(method, params) });
        } catch (error) {
            say({ station, asked: method, error: String(error) });
        }
    });
    await server.listen(Number(port), '127.0.0.1');
    say({ listening: true });
}

main().catch((error) => { console.error(error); process.exit(1); });
