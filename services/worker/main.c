// SPDX-License-Identifier: Apache-2.0
/* The worker: pulls jobs from the scheduler, asks the lock service for each device, lets an adapter
 * read the device, streams what it read to storage, and reports. One event loop, thousands of
 * devices; no database; it may be killed at any moment.
 *
 *   claim.c     jobs, while slots are free          leases.c   renewals, soft stop, dead-man
 *   session.c   a job's life and end                tell.c     steps, results, locks back: in
 * batches steps.c     its way, step by step               spool.c    bytes from the device to
 * storage adapters/   one per device family               plan.c verdict.c address.c   the rules,
 * pure */
#include "gen/config.h"
#include "services/worker/start.h"

static struct worker_config config;

static const struct handler handlers[] = {
	{.id = 0}, /* nobody calls a worker: it pulls */
};

static const struct service_def worker_def = {
	.name = "worker",
	.config = &worker_config_table,
	.settings = &config,
	.handlers = handlers,
	.start = worker_start,
	.stop = worker_stop,
	.ready = worker_ready,
};

int main(int argc, char **argv)
{
	return service_main(&worker_def, argc, argv);
}
