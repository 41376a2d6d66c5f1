// A charger (npm ocpp-rpc, strict mode) that does as it is told. Arguments: endpoint, id, password, sub-protocol. Each
// {"method","params"} on standard input is called once; a JSON line with its result or error. Comes back by itself when it
// is disconnected. What it is asked it says too, and accepts.
'use strict';

const readline = require('readline');
const { RPCClient } = require('ocpp-rpc');

const [endpoint, identity, password, protocol] = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));

const answers = {
    GetConfiguration: () => ({ configurationKey: [], unknownKey: [] }),
    TriggerMessage: () => ({ status: 'NotImplemented' }),
    GetTransactionStatus: () => ({ messagesInQueue: false }),
    CostUpdated: () => ({}),
};

async function main() {
    const client = new RPCClient({
        endpoint, identity, password, protocols: [protocol], strictMode: true, reconnect: true, maxReconnects: Infinity,
        callTimeoutMs: 30000, backoff: { initialDelay: 100, maxDelay: 500, randomisationFactor: 0 },
    });
    client.handle(({ method, params }) => {
        say({ asked: method, params });
        return (answers[method] || (() => ({ status: 'Accepted' })))(params);
    });
    client.on('disconnect', () => say({ disconnected: true }));
    client.on('open', () => say({ connected: true }));
    readline.createInterface({ input: process.stdin }).on('line', async (line) => {
        const { number, method, params } = JSON.parse(line);
        try {
            say({ number, result: await client.call(method, params) });
        } catch (error) {
            say({ number, error: error.rpcErrorCode || String(error) });
        }
    });
    for (;;) {
        try {
            await client.connect();
            break;
        } catch (error) {
            say({ refused: String(error) });
            await new Promise((done) => setTimeout(done, 200));
        }
    }
}

main().catch((error) => { console.error(error); process.exit(1); });
