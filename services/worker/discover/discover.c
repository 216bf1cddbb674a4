// SPDX-License-Identifier: Apache-2.0
/* A job of discovery, from its text to its report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/discover/discover_priv.h"

#define SNMP_PORT 161u
#define REPORT_MS 20000u
#define LISTS_MAX 32u

/* Keys are derived on the work pool; it may come back when the job is over. */
struct derivation {
	struct discover *discover; /* NULL: nobody waits */
	struct credential open[DISCOVER_CREDENTIALS_MAX];
	struct usm_user users[DISCOVER_CREDENTIALS_MAX];
	size_t n;
	struct fault fault;
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
	dns_sd_stop(d->dns_sd);
	ipp_who_stop(d->ipp);
	announced_end(&d->announced);
	d->scan = NULL;
	d->dns_sd = NULL;
	d->ipp = NULL;
	if (d->derivation != NULL)
		d->derivation->discover = NULL;
	d->derivation = NULL;
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
		d->found = arena_array(&s->arena, DISCOVER_FOUND_MAX, sizeof(*d->found));
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

static void derivation_free(struct derivation *v)
{
	crypto_wipe(v, sizeof(*v));
	free(v);
}

static void derive(void *arg)
{
	struct derivation *v = arg;

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->open[i].kind, "snmp_v3") == 0 &&
			usm_user_make(&v->open[i], &v->users[i], &v->fault) < 0)
			return;
}

static void add_credential(
	struct discover *d, const struct credential *c, const struct usm_user *user)
{
	struct scan_credential *to = &d->credentials[d->n_credentials++];

	to->version = strcmp(c->kind, "snmp_v3") == 0   ? SCAN_V3
		      : strcmp(c->kind, "snmp_v1") == 0 ? SCAN_V1
							: SCAN_V2C;
	to->user = *user;
	(void)snprintf(to->community, sizeof(to->community), "%s",
		*c->community_read == '\0' ? "public" : c->community_read);
}

static void on_derived(void *arg)
{
	struct derivation *v = arg;
	struct discover *d = v->discover;

	if (d != NULL) {
		session_enter(d->session);
		d->derivation = NULL;
		for (size_t i = 0; i < v->n; i++)
			add_credential(d, &v->open[i], &v->users[i]);
		if (steps_ended(d->session))
			;
		else if (v->fault.code != 0)
			session_fail(d->session, &v->fault);
		else
			discover_look(d);
		session_leave();
	}
	derivation_free(v);
}

static int open_credentials(struct discover *d, struct derivation *v, struct fault *reterr)
{
	const struct m_job_work *job = d->session->job;

	for (; v->n < job->credentials_n && v->n < DISCOVER_CREDENTIALS_MAX; v->n++) {
		if (credential_open(&d->session->worker->keys, &job->credentials[v->n],
			    &v->open[v->n], reterr) < 0)
			return -1;
		d->credential_ids[v->n] = job->credentials[v->n].id;
	}
	if (job->credentials_n == 0)
		v->n = 1; /* the community public; its id is nil */
	return 0;
}

/* ---- the report ---- */

void discover_note(struct discover *d, const char *name, const char *state, uint64_t entries)
{
	struct session *s = d->session;
	char *cut = arena_strndup(&s->arena, name, strnlen(name, 64));

	if (s->n_lists < LISTS_MAX && cut != NULL)
		s->lists[s->n_lists++] =
			(struct m_list_outcome){.name = cut, .state = state, .entries = entries};
}

static void say_v3(const struct discover *d, struct buf *text)
{
	if (d->counts.engines > 0)
		buf_addf(text, "; %llu speak SNMPv3, %llu of them to none of the credentials",
			(unsigned long long)d->counts.engines, (unsigned long long)d->locked);
}

static void say_drops(const struct discover *d, struct buf *text)
{
	const struct scan_counts *c = &d->counts;
	const struct dns_sd_counts *n = &d->dns_counts;
	uint64_t malformed = c->malformed + n->malformed, foreign = c->foreign + n->foreign,
		 oversize = c->oversize + n->oversize,
		 left_out = d->left_out + d->announced.left_out;

	if (malformed + foreign + oversize + c->repeated > 0)
		buf_addf(text,
			"; answers dropped: %llu malformed, %llu foreign, %llu too large, %llu "
			"repeated",
			(unsigned long long)malformed, (unsigned long long)foreign,
			(unsigned long long)oversize, (unsigned long long)c->repeated);
	if (left_out > 0)
		buf_addf(text, "; %llu more than one job takes were left out",
			(unsigned long long)left_out);
}

static void say_counts(const struct discover *d, struct buf *text)
{
	if (d->dns_counts.networks > 0)
		buf_addf(text, "%zu services announced on %llu networks; ",
			d->announced.n_instances, (unsigned long long)d->dns_counts.networks);
	buf_addf(text, "%zu addresses asked with %llu packets, %llu answered", d->order.n,
		(unsigned long long)d->counts.sent, (unsigned long long)d->counts.answered);
	say_v3(d, text);
	if (d->n_places > 0)
		buf_addf(text, "; %zu asked by IPP, %llu answered", d->n_places,
			(unsigned long long)d->ipp_answered);
	say_drops(d, text);
}

/* What the history says: how many were asked, how many answered, what was dropped, what was not
 * looked at. */
static void judge(struct discover *d)
{
	const struct order *o = &d->order;
	struct fault *f = &d->verdict.fault;
	struct buf text = {.max = sizeof(f->detail) - 1};

	say_counts(d, &text);
	d->verdict.state = JOB_STATE_SUCCEEDED;
	discover_note(d, d->session->job->device->name, "done", d->n_found);
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
		discover_note(d, o->refused[i], "refused", 0);
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

void discover_report(struct discover *d)
{
	struct session *s = d->session;
	const struct m_candidate_report m = {.worker = s->worker->service->instance,
		.job = s->job->job,
		.attempt = s->job->attempt,
		.items = d->found,
		.items_n = d->n_found};
	struct peer_opts opts = {.trace = s->job->trace, .deadline_ms = REPORT_MS};

	for (size_t i = 0; i < d->n_found; i++)
		found_family(&d->found[i]);
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

void discover_running(struct session *s)
{
	struct discover *d = s->discover;
	struct derivation *v = mem_alloc(sizeof(*v));
	struct fault f = FAULT_INIT;

	*v = (struct derivation){.discover = d};
	if (open_credentials(d, v, &f) < 0) {
		derivation_free(v);
		session_fail(s, &f);
		return;
	}
	d->derivation = v;
	s->step = STEP_ASKED;
	loop_work(s->worker->service->loop, derive, on_derived, v);
}
