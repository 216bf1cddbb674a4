// SPDX-License-Identifier: Apache-2.0
/* From the first line of a process to its orderly end (reliability.md section 7). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/db/db.h"
#include "common/service/internal.h"

#define SECOND_MS 1000
#define DRAIN_MS 20 /* answers reach the wire */

/* ---- the end ---- */

static void finish(void *arg)
{
	struct runtime *rt = arg;

	bus_free(rt->s.bus); /* sends what is still queued, within a second */
	log_info(L("stopped"));
	log_flush();
	_exit(EXIT_DONE);
}

void service_drained(struct runtime *rt)
{
	if (rt->stopped && rt->n_calls == 0)
		timer_set(rt->drained, DRAIN_MS, 0);
}

void service_stopped(struct service *s)
{
	struct runtime *rt = runtime_of(s);

	rt->stopped = true;
	service_drained(rt);
}

static void on_stop(void *arg)
{
	struct runtime *rt = arg;

	if (rt->s.stopping)
		return;
	process_guard((uint64_t)rt->config->grace_ms);
	rt->s.stopping = true; /* readiness red */
	log_info(L("stopping"), L_INT("requests", rt->n_calls));
	bus_serve_stop(rt->s.bus);
	if (rt->s.def->stop != NULL)
		rt->s.def->stop(&rt->s);
	else
		service_stopped(&rt->s);
}

/* ---- each second ---- */

static void watch_database(struct runtime *rt)
{
	if (rt->s.db == NULL || db_up(rt->s.db) == rt->db_was_up)
		return;
	rt->db_was_up = !rt->db_was_up;
	if (rt->db_was_up)
		log_info(L("database connected"));
	else
		log_warn(L("database lost"), L_STR("why", db_error(rt->s.db)));
}

static void on_second(void *arg)
{
	struct runtime *rt = arg;

	events_second(rt);
	watch_database(rt);
	log_flush(); /* counts of folded lines do not wait for the next line */
}

/* ---- the beginning ---- */

static bool has_plain_tcp(const char *urls)
{
	for (const char *p = urls; (p = strstr(p, "tcp://")) != NULL; p++)
		if (p == urls || p[-1] != '+')
			return true;
	return false;
}

bool service_plain_tcp(const struct runtime *rt)
{
	const struct common_config *c = rt->config;
	const char *const all[] = {c->bus_listen, c->bus_publish, c->scheduler_urls, c->lock_urls,
		c->storage_urls, c->sync_urls, c->scheduler_events, c->lock_events,
		c->storage_events, c->sync_events};

	for (size_t i = 0; i < array_len(all); i++)
		if (has_plain_tcp(all[i]))
			return true;
	return false;
}

static no_return void give_up(int status, const struct fault *f)
{
	log_error(L("cannot start"), L_FAULT(f));
	log_flush();
	_exit(status);
}

static const char *fault_name(int code)
{
	const struct error_info *e = error_info(code);

	return e != NULL ? e->name : "";
}

static enum log_level level_of(const char *word)
{
	static const char *const words[] = {"debug", "info", "warn", "error"};

	for (int i = 0; i < (int)array_len(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum log_level)i;
	return LOG_INFO;
}

static void configure(struct runtime *rt, int argc, char **argv)
{
	const struct service_def *def = rt->s.def;
	struct fault f = FAULT_INIT;
	char instance[UUID_TEXT];

	rt->s.instance = uuid_v7(clock_wall_ms());
	(void)snprintf(rt->s.sender, sizeof(rt->s.sender), "%s/%s", def->name,
		uuid_format(&rt->s.instance, instance));
	log_setup(def->name, instance, LOG_INFO);
	log_fault_names(fault_name);
	if (config_load(def->config, argc, argv, def->settings, &f) != 0)
		give_up(EXIT_CONFIG, &f);
	rt->config = def->settings;
	log_setup(def->name, instance, level_of(rt->config->log_level));
}

static void open_database(struct runtime *rt)
{
	struct fault f = FAULT_INIT;
	const char *conninfo = rt->config->database;

	if (!rt->s.def->database)
		return;
	if (conninfo[0] == '\0')
		(void)fault_set(&f, CN_VALIDATION_FAILED, "the setting database is missing");
	else if (strstr(conninfo, "password=") != NULL)
		(void)fault_set(&f, CN_VALIDATION_FAILED,
			"the setting database must not hold a password: use passfile= or peer");
	if (f.code != 0)
		give_up(EXIT_CONFIG, &f);
	rt->s.db = db_open(rt->s.loop, conninfo, (unsigned)rt->config->database_pool);
}

static const char *or_null(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

static void open_bus(struct runtime *rt)
{
	struct fault f = FAULT_INIT;
	const struct bus_opts opts = {.ca_file = or_null(rt->config->ca_file),
		.cert_file = or_null(rt->config->cert_file),
		.key_file = or_null(rt->config->key_file),
		.max_frame = MSG_MAX};

	rt->s.bus = bus_new(rt->s.loop, &opts, &f);
	if (rt->s.bus == NULL)
		give_up(EXIT_CONFIG, &f);
	if (service_plain_tcp(rt))
		log_warn(L("the bus is plain tcp: private networks only"));
}

static void start(struct runtime *rt)
{
	const struct common_config *c = rt->config;
	struct fault f = FAULT_INIT;

	if (rt->s.def->start != NULL && rt->s.def->start(&rt->s, &f) != 0)
		give_up(f.code == CN_VALIDATION_FAILED ? EXIT_CONFIG : EXIT_DEPENDENCY, &f);
	/* health last: it tells that all the rest is there */
	if ((c->bus_publish[0] != '\0' && bus_publish_on(rt->s.bus, c->bus_publish, &f) != 0) ||
		(c->bus_listen[0] != '\0' &&
			bus_serve(rt->s.bus, c->bus_listen, dispatch_request, rt, &f) != 0) ||
		health_listen(rt, &f) != 0)
		give_up(EXIT_DEPENDENCY, &f);
}

int service_main(const struct service_def *def, int argc, char **argv)
{
	static struct runtime rt;

	process_harden();
	rt.s.def = def;
	configure(&rt, argc, argv);
	rt.s.loop = loop_new();
	open_database(&rt);
	open_bus(&rt);
	events_setup(&rt);
	dispatch_setup(&rt);
	rt.drained = timer_new(rt.s.loop, finish, &rt);
	rt.second = timer_new(rt.s.loop, on_second, &rt);
	timer_set(rt.second, SECOND_MS, SECOND_MS);
	loop_signal(rt.s.loop, SIGTERM, on_stop, &rt);
	loop_signal(rt.s.loop, SIGINT, on_stop, &rt);
	start(&rt);
	log_info(L("started"), L_STR("version", SERVICE_VERSION),
		L_STR("requests", rt.config->bus_listen), L_STR("events", rt.config->bus_publish),
		L_STR("health", rt.config->http_listen));
	loop_run(rt.s.loop);
	return EXIT_DONE;
}
