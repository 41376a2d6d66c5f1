// A whole charge by an independent OCPP 1.6 client (npm ocpp-rpc, strict mode: every message in both directions is
// checked against that package's own schemas). Prints one JSON line; any violation ends it with exit code 1.
'use strict';

const { RPCClient } = require('ocpp-rpc');

const [endpoint, identity, password, token, connector, meterStart, beginMs] = process.argv.slice(2);

async function main() {
    const client = new RPCClient({
        endpoint, identity, password, protocols: ['ocpp1.6'], strictMode: true, reconnect: false,
    });
    client.handle(({ method }) => { throw new Error(`unexpected ${method}`); });
    client.handle('GetConfiguration', () => ({ configurationKey: [], unknownKey: [] }));
    client.handle('ChangeConfiguration', () => ({ status: 'NotSupported' }));
    client.handle('DataTransfer', () => ({ status: 'Accepted' }));
    client.handle('TriggerMessage', () => ({ status: 'NotImplemented' }));
    await client.connect();
    const connectorId = Number(connector);
    const begin = Number(beginMs);
    const at = (seconds) => new Date(begin + seconds * 1000).toISOString();
    const status = (state) => client.call('StatusNotification', { connectorId, errorCode: 'NoError', status: state });

    const boot = await client.call('BootNotification', { chargePointVendor: 'Independent', chargePointModel: 'rpc' });
    if (boot.status !== 'Accepted') throw new Error(`boot ${boot.status}`);
    await client.call('Heartbeat', {});
    await status('Available');
    await status('Preparing');
    await client.call('DataTransfer', { vendorId: 'tally', messageId: 'Prepaid', data: '{"amount":"40.00"}' });
    const authorized = await client.call('Authorize', { idTag: token });
    if (authorized.idTagInfo.status !== 'Accepted') throw new Error(`authorize ${authorized.idTagInfo.status}`);
    const started = await client.call('StartTransaction', {
        connectorId, idTag: token, meterStart: Number(meterStart), timestamp: at(0),
    });
    if (started.idTagInfo.status !== 'Accepted') throw new Error(`start ${started.idTagInfo.status}`);
    await status('Charging');
    const transactionId = started.transactionId;
    for (const [seconds, wh] of [[60, 1000], [120, 2000], [180, 3000]]) {
        await client.call('MeterValues', {
            connectorId, transactionId,
            meterValue: [{ timestamp: at(seconds), sampledValue: [{ value: String(Number(meterStart) + wh) }] }],
        });
    }
    await client.call('StopTransaction', {
        transactionId, idTag: token, meterStop: Number(meterStart) + 3000, timestamp: at(180), reason: 'Local',
    });
    await status('Available');
    await client.close();
    console.log(JSON.stringify({ transactionId }));
}

main().catch((error) => { console.error(error); process.exit(1); });
