// SPDX-License-Identifier: Apache-2.0
/* carnet-lock: who may touch a device now (docs/spec/locks.md). Stateless: calls of one moment
 * become one transaction that holds the device rows (serve.c), the ledger decides them in order
 * (ledger.c, acquire.c, life.c) by one pure function (lock.c), and what time alone decides is swept
 * (sweep.c). */
#include "common/base/crashpoint.h"
#include "services/lock/count.h"
#include "services/lock/profile.h"
#include "services/lock/serve.h"

static struct lock_config config;
struct lock_settings lock_settings;
static char families[4200];

static int start(struct service *s, struct fault *reterr)
{
	struct lock_profile generic;

	(void)reterr;
	CRASHPOINT("instance.started");
	lock_settings = (struct lock_settings){
		.lease_min_ms = (uint32_t)config.lease_min_ms,
		.lease_default_ms = (uint32_t)config.lease_default_ms,
		.silent_ms = (uint32_t)config.silent_ms,
		.sweep_ms = (uint64_t)config.sweep_ms,
		.batch_max = (size_t)config.batch_max,
	};
	lock_profile_generic(&generic);
	generic.quarantine_ms = (uint32_t)config.quarantine_ms;
	generic.quarantine_max_ms = (uint32_t)config.quarantine_max_ms;
	generic.shadow_ttl_ms = (uint32_t)config.shadow_ttl_ms;
	config_data_dir(config.profiles, "schemas/profiles", families, sizeof(families));
	profile_init(&generic, families);
	profile_load(s);
	count_start();
	serve_start(s);
	renew_start(s);
	sweep_start(s);
	return 0;
}

static const struct handler handlers[] = {
	{MSG_LOCK_ACQUIRE, on_lock_acquire},
	{MSG_LOCK_RENEW, on_lock_renew},
	{MSG_LOCK_RELEASE, on_lock_release},
	{MSG_LOCK_CANCEL, on_lock_cancel},
	{MSG_LOCK_OBSERVE, on_lock_observe},
	{MSG_LOCK_EXPLAIN, on_lock_explain},
	{MSG_LOCK_LIST, on_lock_list},
	{MSG_LOCK_GET, on_lock_get},
	{MSG_LOCK_END, on_lock_end},
	{MSG_LOCK_STAND, on_lock_stand},
	{0, NULL},
};

static const struct service_def LOCK = {
	.name = "lock",
	.config = &lock_config_table,
	.settings = &config,
	.handlers = handlers,
	.database = true,
	.start = start,
	.guard = scope_guard,
};

int main(int argc, char **argv)
{
	return service_main(&LOCK, argc, argv);
}
