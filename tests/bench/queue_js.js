// SPDX-License-Identifier: Apache-2.0
// graphile-worker, for tests/bench/queue.sh: `node queue_js.js thr N` or `lat N`. No-op task.
// thr: N jobs added in batches of 1000, then one process works them off; rate from the first handler to
// the last job gone from the table. lat: an idle worker, one job each 5 ms: addJob called -> handler.
const { createRequire } = require('module');
const req = createRequire(process.env.NPM_DIR + '/x.js');
const gw = req('graphile-worker'), pg = req('pg');
const [,, mode, ns] = process.argv, n = +ns;
const now = () => Number(process.hrtime.bigint()) / 1e6;
const sleep = ms => new Promise(r => setTimeout(r, ms));
const preset = { worker: { concurrentJobs: 24, maxPoolSize: 25, pollInterval: 1000,
	localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } };
async function main() {
	const pool = new pg.Pool({ host: process.env.PGHOST, user: 'postgres', database: 'graphile', max: 25 });
	const logger = new gw.Logger(() => () => {});
	const utils = await gw.makeWorkerUtils({ pgPool: pool, logger });
	await utils.migrate();
	if (mode === 'settings') { console.log(JSON.stringify(preset.worker)); process.exit(0); }
	let first = 0, seen = 0; const lat = [];
	const run = () => gw.run({ logger, pgPool: pool, noHandleSignals: true, preset,
		taskList: { t: async p => { if (!first) first = now(); seen++; if (p.t) lat.push(now() - p.t); } } });
	if (mode === 'thr') {
		for (let i = 0; i < n; i += 1000)
			await utils.addJobs(Array.from({ length: Math.min(1000, n - i) }, (_, k) => ({ identifier: 't', payload: { device: i + k } })));
		await run();
		let left; do { await sleep(10); left = +(await pool.query('select count(*) c from graphile_worker._private_jobs')).rows[0].c; } while (left > 0);
		console.log(`process\t${Math.round(seen / (now() - first) * 1e3)}\tjobs/s`);
	} else {
		await run(); await sleep(500);
		for (let i = 0; i < n; i++) { await utils.addJob('t', { device: i, t: now() }); await sleep(5); }
		while (lat.length < n) await sleep(5);
		lat.sort((a, b) => a - b);
		console.log(`start p50\t${lat[n >> 1].toFixed(3)}\tms`);
	}
	process.exit(0);
}
main().catch(e => { console.error(e); process.exit(1); });
