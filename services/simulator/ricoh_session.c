// SPDX-License-Identifier: Apache-2.0
/* One session at a time; it locks the book until it is ended, its time is over, or the power goes.
 */
#include <stdio.h>
#include <string.h>

#include "services/simulator/ricoh.h"

static void note(const struct device *d, const char *session, const char *result)
{
	truth_add(d->sim->truth,
		&(struct truth_entry){
			.device = d, .session = session, .what = "session_end", .result = result});
}

void ricoh_close(struct device *d, const char *result)
{
	struct ricoh *p = ricoh_of(d);

	if (!*p->session)
		return;
	note(d, p->session, result);
	p->session[0] = '\0';
	if (p->limit)
		timer_free(p->limit);
	p->limit = NULL;
	ricoh_store_rest(d);
	op_export_end(d);
}

static void on_limit(void *arg)
{
	struct device *d = arg;

	ricoh_of(d)->expired++;
	ricoh_close(d, "expired");
}

struct ricoh *ricoh_session(struct device *d)
{
	struct ricoh *p = ricoh_of(d);

	if (*p->session && p->boot_ms != d->boot_ms)
		ricoh_close(d, "restarted");
	return *p->session ? p : NULL;
}

void ricoh_open(struct device *d, bool exclusive, bool stranger, uint64_t ms)
{
	struct ricoh *p = ricoh_of(d);
	struct rng r =
		rng_of(d->sim->fleet.seed, d->index, RNG_SESSION + ++d->session_count * 1000);

	(void)snprintf(p->session, sizeof(p->session), "%llu",
		(unsigned long long)(rng_next(&r) % 1000000000000u));
	p->exclusive = exclusive;
	p->stranger = stranger;
	p->boot_ms = d->boot_ms;
	p->opened += !stranger;
	op_export_begin(d);
	if (ms) {
		p->limit = timer_new(d->sim->loop, on_limit, d);
		timer_set(p->limit, ms, 0);
	}
}
