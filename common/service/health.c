// SPDX-License-Identifier: Apache-2.0
/* The health port: /healthz, /readyz, /metrics, and what the service adds. */
#include <string.h>

#include "common/db/db.h"
#include "common/service/internal.h"

static bool database_up(const struct runtime *rt)
{
	return rt->s.db == NULL || db_up(rt->s.db);
}

static bool is_ready(struct runtime *rt)
{
	if (rt->s.stopping)
		return false;
	if (rt->s.def->ready != NULL)
		return rt->s.def->ready(&rt->s);
	return database_up(rt);
}

static void respond(struct http_request *r, unsigned status, const char *type, struct buf *body)
{
	http_set_header(r, "Cache-Control", "no-store");
	http_respond(r, status, type, buf_span(body));
	buf_fini(body);
}

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

static void readyz(struct runtime *rt, struct http_request *r)
{
	struct buf body = BUF_INIT;
	bool ready = is_ready(rt);

	buf_addf(&body, "{\"ready\":%s,\"service\":\"%s\",\"stopping\":%s", truth(ready),
		rt->s.def->name, truth(rt->s.stopping));
	if (rt->s.db != NULL)
		buf_addf(&body, ",\"database\":%s", truth(database_up(rt)));
	if (service_plain_tcp(rt))
		buf_adds(&body, ",\"warning\":\"the bus is plain tcp: private networks only\"");
	buf_adds(&body, "}\n");
	respond(r, ready ? 200 : 503, "application/json", &body);
}

static void set(const char *name, const char *labels, uint64_t n)
{
	metric_set(metric_gauge(name, labels, ""), (int64_t)n);
}

static void total(const char *name, uint64_t n)
{
	metric_set(metric_counter(name, "", ""), (int64_t)n);
}

static void bus_figures(const struct runtime *rt)
{
	const struct bus_stats b = bus_stats(rt->s.bus);

	set("carnet_bus_connections", "", b.conns);
	set("carnet_bus_zombie_conns", "", b.zombies);
	set("carnet_bus_last_reply_age_seconds", "", b.last_reply_age_ms / 1000);
	total("carnet_bus_dials_total", b.dials);
	total("carnet_bus_closes_total", b.closes);
	total("carnet_bus_calls_total", b.calls);
	total("carnet_bus_replies_total", b.replies);
	total("carnet_bus_dropped_events_total", b.dropped_events);
	total("carnet_bus_refused_frames_total", b.refused_frames);
	set("carnet_requests_open", "", rt->n_calls);
	total("carnet_loop_turns_total", loop_turns(rt->s.loop));
}

static void database_figures(const struct runtime *rt)
{
	if (rt->s.db == NULL)
		return;
	const struct db_stats d = db_stats(rt->s.db);
	set("carnet_db_connections", "state=\"configured\"", d.size);
	set("carnet_db_connections", "state=\"up\"", d.up);
	set("carnet_db_connections", "state=\"busy\"", d.busy);
	set("carnet_db_waiting", "", d.waiting);
	total("carnet_db_connects_total", d.connects);
	total("carnet_db_losses_total", d.losses);
	total("carnet_db_steps_total", d.steps);
	total("carnet_db_failures_total", d.failures);
}

static void show_metrics(struct runtime *rt, struct http_request *r)
{
	struct buf body = BUF_INIT;

	bus_figures(rt);
	database_figures(rt);
	buf_addf(&body,
		"# HELP carnet_build_info What runs here\n# TYPE carnet_build_info gauge\n"
		"carnet_build_info{service=\"%s\",version=\"%s\",compiler=\"%s\"} 1\n",
		rt->s.def->name, SERVICE_VERSION, __VERSION__);
	process_metrics(&body);
	metrics_render(&body);
	respond(r, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void healthz(struct http_request *r)
{
	struct buf body = BUF_INIT;

	buf_adds(&body, "ok\n");
	respond(r, 200, "text/plain", &body);
}

static void on_request(void *arg, struct http_request *r)
{
	struct runtime *rt = arg;
	const char *path = http_path(r);
	bool get = strcmp(http_method(r), "GET") == 0;
	struct buf none = BUF_INIT;

	if (get && strcmp(path, "/healthz") == 0)
		healthz(r);
	else if (get && strcmp(path, "/readyz") == 0)
		readyz(rt, r);
	else if (get && strcmp(path, "/metrics") == 0)
		show_metrics(rt, r);
	else if (rt->s.def->http == NULL || !rt->s.def->http(&rt->s, r))
		respond(r, 404, "text/plain", &none);
}

int health_listen(struct runtime *rt, struct fault *reterr)
{
	const struct http_server_opts opts = {
		.listen = rt->config->http_listen, .max_connections = 64};

	if (rt->config->http_listen[0] == '\0')
		return 0;
	rt->health = http_server_new(rt->s.loop, &opts, on_request, rt, reterr);
	return rt->health != NULL ? 0 : -1;
}
