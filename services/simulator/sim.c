// SPDX-License-Identifier: Apache-2.0
/* The simulated fleet as one object: up and down in order. */
#include "services/simulator/sim.h"

int sim_start(struct sim *s, struct loop *l, const struct sim_opts *opts, struct fault *reterr)
{
	struct http_server_opts control = {
		.listen = opts->listen, .max_body = (size_t)64 * 1024 * 1024, .idle_seconds = 300};

	s->loop = l;
	s->address_base = opts->address_base;
	list_init(&s->raw);
	s->profile = profile_load(opts->profiles, reterr);
	s->truth = s->profile ? truth_new(l, opts->truth_log, reterr) : NULL;
	if (!s->truth || fleet_load(s, opts->fleet, opts->seed, opts->count, reterr) < 0 ||
		net_start(s, reterr) < 0)
		return -1;
	s->control = http_server_new(l, &control, control_serve, s, reterr);
	if (!s->control)
		return -1;
	return *opts->map_file ? map_write(s, opts->map_file, reterr) : 0;
}

void sim_stop(struct sim *s)
{
	http_server_free(s->control);
	net_stop(s);
	fleet_free(s);
	truth_free(s->truth);
	profile_free(s->profile);
	*s = (struct sim){.loop = NULL};
}
