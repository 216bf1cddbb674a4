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

static int start(struct service *service, struct fault *reterr)
{
	const struct sim_opts opts = {.fleet = config.fleet,
		.profiles = config.profiles,
		.address_base = config.address_base,
		.listen = config.listen,
		.map_file = config.map_file,
		.truth_log = config.truth_log,
		.seed = (uint64_t)config.seed,
		.count = (uint32_t)config.count};

	if (sim_start(&sim, service->loop, &opts, reterr) < 0)
		return -1;
	log_info(L("fleet is up"), L_INT("devices", sim.fleet.count), L_INT("seed", sim.fleet.seed),
		L_STR("control", config.listen));
	return 0;
}

static void stop(struct service *service)
{
	sim_stop(&sim);
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
