// SPDX-License-Identifier: Apache-2.0
/* The simulator: a fleet of pretend printers in one process.
 *
 *   fleet file + seed --> devices, each with two sockets --> Remote UI (rui.c) and SNMP (snmp.c)
 *                                                            or hostile hands (hostile.c)
 *   control port (control*.c): operations in progress, faults, books, and the truth log
 */
#include "common/service/service.h"
#include "gen/config.h"
#include "services/simulator/sim.h"

static struct simulator_config config;
static struct sim sim;

static int listen_control(struct sim *s, struct fault *reterr)
{
	struct http_server_opts opts = {
		.listen = config.listen, .max_body = (size_t)64 * 1024 * 1024, .idle_seconds = 300};

	s->control = http_server_new(s->loop, &opts, control_serve, s, reterr);
	return s->control ? 0 : -1;
}

static int start(struct service *service, struct fault *reterr)
{
	struct sim *s = &sim;

	s->loop = service->loop;
	s->address_base = config.address_base;
	s->profile = profile_load(config.profiles, reterr);
	if (!s->profile)
		return -1;
	s->truth = truth_new(s->loop, config.truth_log, reterr);
	if (!s->truth ||
		fleet_load(s, config.fleet, (uint64_t)config.seed, (uint32_t)config.count, reterr) <
			0 ||
		net_start(s, reterr) < 0 || listen_control(s, reterr) < 0)
		return -1;
	if (*config.map_file && map_write(s, config.map_file, reterr) < 0)
		return -1;
	log_info(L("fleet is up"), L_INT("devices", s->fleet.count), L_INT("seed", s->fleet.seed),
		L_STR("control", config.listen));
	return 0;
}

static void stop(struct service *service)
{
	struct sim *s = &sim;

	http_server_free(s->control);
	net_stop(s);
	fleet_free(s);
	truth_free(s->truth);
	profile_free(s->profile);
	service_stopped(service);
}

static const struct handler NONE[] = {{.id = 0}};

static const struct service_def SIMULATOR = {
	.name = "simulator",
	.config = &simulator_config_table,
	.settings = &config,
	.handlers = NONE,
	.start = start,
	.stop = stop,
};

int main(int argc, char **argv)
{
	return service_main(&SIMULATOR, argc, argv);
}
