// SPDX-License-Identifier: Apache-2.0
/* A job of discovery, from its text to its report. */
#include "services/worker/discover/discover.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/net/resolve.h"
#include "gen/errors.h"
#include "services/worker/discover/found.h"
#include "services/worker/discover/order.h"

#define RATE 100u
#define WAIT_MS 1000u
#define SNMP_PORT 161u
#define REPORT_MS 20000u
#define CREDENTIALS_MAX 16u
#define LISTS_MAX 32u

struct discover {
	struct session *session;
	const struct m_discovery *settings;
	struct order order;
	size_t resolved; /* names */
	struct scan_credential credentials[CREDENTIALS_MAX];
	struct uuid credential_ids[CREDENTIALS_MAX]; /* nil: the community public */
	size_t n_credentials;
	struct m_port port; /* of SNMP, where it is not the usual one */
	struct scan *scan;
	struct scan_counts counts;
	struct m_candidate *found;
	size_t n_found;
	struct verdict verdict;
};

bool discover_wanted(const struct m_job_work *job)
{
	return strcmp(job->kind, "device.discover") == 0;
}

void discover_stop(struct discover *d)
{
	if (d == NULL)
		return;
	scan_stop(d->scan);
	d->scan = NULL;
	crypto_wipe(d->credentials, sizeof(d->credentials));
}

void discover_begin(struct session *s)
{
	static const struct m_discovery nothing;
	struct discover *d = arena_alloc(&s->arena, sizeof(*d));
	struct fault f = FAULT_INIT;

	s->errand.arena = &s->arena;
	s->lists = arena_array(&s->arena, LISTS_MAX, sizeof(*s->lists));
	if (d != NULL)
		d->found = arena_array(&s->arena, SCAN_TARGETS_MAX, sizeof(*d->found));
	if (d == NULL || d->found == NULL || s->lists == NULL) {
		fault_set(&f, CN_INTERNAL_ERROR, "session memory is used up");
		session_fail(s, &f);
		return;
	}
	d->session = s;
	d->settings = s->job->settings == NULL || s->job->settings->discover == NULL
			      ? &nothing
			      : s->job->settings->discover;
	d->port = (struct m_port){.service = "snmp",
		.port = d->settings->snmp_port == 0 ? SNMP_PORT : d->settings->snmp_port};
	s->discover = d;
	s->step = STEP_RUNNING;
	tell_advance(s, JOB_STATE_RUNNING);
}

/* ---- with which credentials ---- */

static void add_community(struct discover *d, bool v1, const char *community, struct uuid id)
{
	struct scan_credential *c = &d->credentials[d->n_credentials];

	c->v1 = v1;
	(void)snprintf(c->community, sizeof(c->community), "%s",
		*community == '\0' ? "public" : community);
	d->credential_ids[d->n_credentials++] = id;
}

static int open_credentials(struct discover *d, struct fault *reterr)
{
	const struct m_job_work *job = d->session->job;

	for (size_t i = 0; i < job->credentials_n && i < CREDENTIALS_MAX; i++) {
		struct credential c;
		if (credential_open(&d->session->worker->keys, &job->credentials[i], &c, reterr) <
			0)
			return -1;
		if (strcmp(c.kind, "snmp_v3") != 0)
			add_community(d, strcmp(c.kind, "snmp_v1") == 0, c.community_read,
				job->credentials[i].id);
		credential_wipe(&c);
	}
	if (job->credentials_n == 0)
		add_community(d, false, "", (struct uuid){{0}});
	return 0;
}

/* ---- the report ---- */

static void add_list(struct session *s, const char *name, const char *state, uint64_t entries)
{
	char *cut = arena_strndup(&s->arena, name, 64);

	if (s->n_lists < LISTS_MAX && cut != NULL)
		s->lists[s->n_lists++] =
			(struct m_list_outcome){.name = cut, .state = state, .entries = entries};
}

/* What the history says: how many were asked, how many answered, what was dropped, what was not
 * looked at. */
static void judge(struct discover *d)
{
	const struct order *o = &d->order;
	const struct scan_counts *c = &d->counts;
	uint64_t dropped = c->malformed + c->foreign + c->oversize + c->repeated;
	struct fault *f = &d->verdict.fault;
	struct buf text = {.max = sizeof(f->detail) - 1};

	buf_addf(&text, "%zu addresses asked with %llu packets, %llu answered", o->n,
		(unsigned long long)c->sent, (unsigned long long)c->answered);
	if (dropped > 0)
		buf_addf(&text,
			"; answers dropped: %llu malformed, %llu foreign, %llu too large, %llu "
			"repeated",
			(unsigned long long)c->malformed, (unsigned long long)c->foreign,
			(unsigned long long)c->oversize, (unsigned long long)c->repeated);
	d->verdict.state = JOB_STATE_SUCCEEDED;
	add_list(d->session, d->session->job->device->name, "done", d->n_found);
	if (o->refused_addresses == 0) {
		(void)fault_set(f, 0, "%s", buf_str(&text));
	} else {
		d->verdict.state = JOB_STATE_PARTIAL;
		(void)fault_why(f, CN_ADDRESS_REFUSED, "outside",
			"%llu addresses are outside of device_networks, from %s on; %s",
			(unsigned long long)o->refused_addresses,
			o->n_refused > 0 ? o->refused[0] : "?", buf_str(&text));
	}
	for (size_t i = 0; i < o->n_refused; i++)
		add_list(d->session, o->refused[i], "refused", 0);
	buf_fini(&text);
}

static void on_reported(
	void *arg, const void *body unused, const struct fault *f, uint64_t instance unused)
{
	struct session *s = arg;

	session_enter(s);
	if (!steps_ended(s)) {
		if (f != NULL)
			session_fail(s, f);
		else
			steps_storing(s);
	}
	session_leave();
}

static void report(struct discover *d)
{
	struct session *s = d->session;
	const struct m_candidate_report m = {.worker = s->worker->service->instance,
		.job = s->job->job,
		.attempt = s->job->attempt,
		.items = d->found,
		.items_n = d->n_found};
	struct peer_opts opts = {.trace = s->job->trace, .deadline_ms = REPORT_MS};

	judge(d);
	s->entries = d->n_found;
	if (d->n_found == 0) {
		steps_storing(s);
		return;
	}
	s->step = STEP_ASKED;
	peer_call(s->worker->scheduler, &m_candidate_report_desc, &m, &opts, on_reported, s);
}

void discover_stored(struct session *s)
{
	session_end(s, s->discover->verdict);
}

/* ---- what answers ---- */

static void keep(struct discover *d, struct m_candidate *c)
{
	c->pool = d->session->worker->config->pool;
	c->site = d->settings->site;
	for (size_t i = 0; i < d->n_found; i++)
		if (found_join(&d->session->errand, &d->found[i], c))
			return;
	if (d->n_found < SCAN_TARGETS_MAX)
		d->found[d->n_found++] = *c;
}

static void on_found(void *arg, size_t target, size_t credential, const struct scan_answer *answer)
{
	static const char *const by[] = {"snmp"};
	struct discover *d = arg;
	char text[ADDRESS_TEXT];
	struct m_candidate c = {.found_by = by,
		.found_by_n = 1,
		.simulated = d->order.simulated[target],
		.credential = d->credential_ids[credential]};

	c.address = arena_strdup(&d->session->arena, address_text(&d->order.targets[target], text));
	if (d->port.port != SNMP_PORT) {
		c.ports = &d->port;
		c.ports_n = 1;
	}
	found_snmp(&d->session->errand, answer, &c);
	if (c.address != NULL)
		keep(d, &c);
}

static void on_moved(void *arg)
{
	((struct discover *)arg)->session->progress++;
}

static void on_scanned(void *arg, const struct scan_counts *counts, const struct fault *f)
{
	struct discover *d = arg;
	struct session *s = d->session;

	d->scan = NULL;
	d->counts = *counts;
	session_enter(s);
	if (f != NULL)
		session_fail(s, f);
	else
		report(d);
	session_leave();
}

/* ---- the way ---- */

static void look(struct discover *d)
{
	const struct scan_order order = {.targets = d->order.targets,
		.n = d->order.n,
		.credentials = d->credentials,
		.n_credentials = d->n_credentials,
		.port = (uint16_t)d->port.port,
		.rate = d->settings->rate == 0 ? RATE : (uint32_t)d->settings->rate,
		.wait_ms = WAIT_MS,
		.arg = d,
		.found = on_found,
		.moved = on_moved,
		.done = on_scanned};
	struct fault f = FAULT_INIT;

	if (d->order.n == 0 && d->order.refused_addresses > 0) {
		(void)fault_why(&f, CN_ADDRESS_REFUSED, "outside",
			"%s is not in device_networks, the networks where printers are",
			d->order.n_refused > 0 ? d->order.refused[0] : "it");
		session_fail(d->session, &f);
		return;
	}
	d->session->step = STEP_SCAN;
	if (d->order.n == 0 || d->n_credentials == 0)
		report(d);
	else
		d->scan = scan_start(d->session->worker->service->loop, &order);
}

static void next_name(struct discover *d);

static void on_name(void *arg, const char *ip, const struct fault *f)
{
	struct discover *d = arg;
	struct session *s = d->session;
	const char *name = d->order.names[d->resolved++];
	struct address a;

	session_enter(s);
	if (!steps_ended(s)) {
		if (f != NULL)
			add_list(s, name, "unresolved", 0);
		else if (address_parse(ip, &a) && !order_add(&d->order, &a))
			add_list(s, name, "refused", 0);
		next_name(d);
	}
	session_leave();
}

/* One after the other; then the scan. */
static void next_name(struct discover *d)
{
	struct session *s = d->session;

	if (d->resolved == d->order.n_names) {
		look(d);
		return;
	}
	s->step = STEP_ASKED;
	resolve(s->worker->service->loop, d->order.names[d->resolved], &s->worker->rules, true,
		on_name, d);
}

void discover_running(struct session *s)
{
	struct discover *d = s->discover;
	struct fault f = FAULT_INIT;

	d->order = (struct order){
		.rules = &s->worker->rules, .settings = d->settings, .arena = &s->arena};
	if (open_credentials(d, &f) < 0 || order_read(&d->order, s->job->device->address, &f) < 0)
		session_fail(s, &f);
	else
		next_name(d);
}
