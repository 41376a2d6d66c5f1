// A whole charge by an independent OCPP 2.0.1 client (npm ocpp-rpc, strict mode: every message in both directions is
// checked against that package's own schemas). Prints one JSON line; any violation ends it with exit code 1.
'use strict';

const { RPCClient } = require('ocpp-rpc');

const [endpoint, identity, password, token, evse, meterStart, beginMs] = process.argv.slice(2);

async function main() {
    const client = new RPCClient({
        endpoint, identity, password, protocols: ['ocpp2.0.1'], strictMode: true, reconnect: false,
    });
    const costs = [];
    client.handle(({ method }) => { throw new Error(`unexpected ${method}`); });
    client.handle('TriggerMessage', () => ({ status: 'NotImplemented' }));
    client.handle('GetTransactionStatus', () => ({ messagesInQueue: true }));
    client.handle('CostUpdated', ({ params }) => { costs.push(params.totalCost); return {}; });
    await client.connect();
    const begin = Number(beginMs);
    const at = (seconds) => new Date(begin + seconds * 1000).toISOString();
    const status = (connectorStatus) => client.call('StatusNotification', {
        timestamp: new Date().toISOString(), connectorStatus, evseId: Number(evse), connectorId: 1,
    });
    const sample = (seconds, wh, context) => [{
        timestamp: at(seconds),
        sampledValue: [
            { value: (Number(meterStart) + wh) / 1000, context, unitOfMeasure: { unit: 'kWh' } },
            { value: 60000, measurand: 'Power.Active.Import' },
        ],
    }];
    const transactionId = `rpc-${begin}`;
    const report = (eventType, seqNo, seconds, more) => client.call('TransactionEvent', {
        eventType, timestamp: at(seconds), seqNo, transactionInfo: { transactionId, ...more.info },
        triggerReason: more.triggerReason, ...more.fields,
    });
    const idToken = { idToken: token, type: 'ISO14443' };

    const boot = await client.call('BootNotification', {
        reason: 'PowerUp', chargingStation: { model: 'rpc', vendorName: 'Independent' },
    });
    if (boot.status !== 'Accepted') throw new Error(`boot ${boot.status}`);
    await client.call('Heartbeat', {});
    await client.call('SecurityEventNotification', { type: 'StartupOfTheDevice', timestamp: new Date().toISOString() });
    await status('Available');
    await status('Occupied');
    const wish = await client.call('DataTransfer', { vendorId: 'tally', messageId: 'Prepaid', data: '{"amount":"40.00"}' });
    if (wish.status !== 'Accepted') throw new Error(`prepaid ${wish.status}`);
    const authorized = await client.call('Authorize', { idToken });
    if (authorized.idTokenInfo.status !== 'Accepted') throw new Error(`authorize ${authorized.idTokenInfo.status}`);

    // The cable first, then the card; the end overtakes the last sample, and two reports are repeated.
    await report('Started', 0, 0, {
        triggerReason: 'CablePluggedIn', info: { chargingState: 'EVConnected' },
        fields: { evse: { id: Number(evse), connectorId: 1 }, meterValue: sample(0, 0, 'Transaction.Begin') },
    });
    const card = () => report('Updated', 1, 1, { triggerReason: 'Authorized', info: { chargingState: 'Charging' }, fields: { idToken } });
    for (const answer of [await card(), await card()]) {
        if (answer.idTokenInfo.status !== 'Accepted') throw new Error(`card ${answer.idTokenInfo.status}`);
    }
    const periodic = (seqNo, seconds, wh) => report('Updated', seqNo, seconds, {
        triggerReason: 'MeterValuePeriodic', fields: { meterValue: sample(seconds, wh, 'Sample.Periodic') },
    });
    await periodic(2, 60, 1000);
    const running = await periodic(3, 120, 2000);
    const end = () => report('Ended', 5, 180, {
        triggerReason: 'EVDeparted', info: { stoppedReason: 'EVDisconnected', chargingState: 'Idle' },
        fields: { meterValue: sample(180, 3000, 'Transaction.End') },
    });
    await end();
    await periodic(4, 150, 2500);
    const ended = await end();
    await status('Available');
    await client.close();
    console.log(JSON.stringify({ transactionId, running: running.totalCost, cost: ended.totalCost, costs }));
}

main().catch((error) => { console.error(error); process.exit(1); });
